import { formCodes } from '../../spec/codes.ts';
import { ruleTopics } from './index.ts';

interface Entry {
  code: string;
  title: string;
  reason: string;
  remedy: string;
  severity?: string;
  example?: string;
}

/** docs/problems.md: every code with an example, the reason and the remedy. `npm run generate` writes it. */
export function problemsDocument(others: { title: string; entries: readonly Entry[] }[]): string {
  const topics: { title: string; entries: readonly Entry[] }[] = [
    { title: 'The form of the spec', entries: formCodes },
    ...ruleTopics.map(({ title, rules }) => ({ title, entries: rules })),
    ...others,
  ];
  const contents = topics.map(
    ({ title, entries }) => `- ${title}: ${entries.map(({ code }) => `[${code}](#${code})`).join(', ')}`,
  );
  const sections = topics.map(({ title, entries }) => `## ${title}\n\n${entries.map(section).join('\n')}`);
  return `<!-- Written by "npm run generate" from the rules themselves. -->

# Problems

What \`imgbuild check\` can find, by the code that stands in brackets after each message. Errors stop a render;
warnings do not. Each example is laid over \`examples/minimal.yaml\` and run by the tests.

${contents.join('\n')}

${sections.join('\n')}`;
}

function section({ code, title, reason, remedy, severity, example }: Entry): string {
  const text = [
    `### ${code}`,
    '',
    `${title}${severity === 'warning' ? ' (a warning)' : ''}.`,
    '',
    reason,
    '',
    `**What to do:** ${remedy}`,
  ];
  if (example !== undefined) text.push('', '```yaml', example.trimEnd(), '```');
  return `${text.join('\n')}\n`;
}
