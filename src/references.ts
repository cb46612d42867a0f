import { problemsDocument } from './plan/rules/document.ts';
import { secretCodes } from './secrets/codes.ts';
import { schemaText } from './spec/schema/text.ts';

/** Files of the repository that follow from the code: `npm run generate` writes them, a test compares them. */
export function references(): { path: string; text: string }[] {
  return [
    { path: 'schema/cluster.schema.json', text: schemaText() },
    { path: 'docs/problems.md', text: problemsDocument([{ title: 'Secrets', entries: secretCodes }]) },
  ];
}
