import { clusterSchema } from './cluster.ts';

/** The JSON Schema of the spec as it is committed under schema/. */
export function schemaText(): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'imgbuild cluster',
    ...clusterSchema,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
