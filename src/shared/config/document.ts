import { z } from 'zod';
import { environmentVariables } from './environment.js';
import { configSchema } from './schema.js';

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly default?: unknown;
}

/** docs/config.md, made from the schema: `npm run docs` writes it, and a test holds it to the code. */
export function describeConfig(): string {
  const rows: string[] = [];
  collect(z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema, [], rows);
  return `# Configuration

<!-- Made from src/shared/config by \`npm run docs\`. -->

Penstock reads its configuration once, at the start of each process: first the JSON file that \`PENSTOCK_CONFIG\` names,
then environment variables, then flags of the command line. Later ones win. An unknown key, a variable
whose name is one slip from one of these or spells its key in the file (\`PENSTOCK_GATEWAY_PORT\`), and a value of the wrong kind are errors that name it and where it came from.

| key in the file | variable | what | default |
| --- | --- | --- | --- |
${rows.join('\n')}

Variables whose key has no simple value (sources, routes, limits, packing, behaviours) take JSON, for example
\`PENSTOCK_SOURCES='[{"name":"shop","writeKey":"a-long-random-key"}]'\`.
`;
}

function collect(schema: JsonSchema, path: readonly string[], rows: string[]): void {
  const key = path.join('.');
  const variable = environmentVariables.find((candidate) => candidate.path.join('.') === key)?.name;
  if (schema.properties === undefined || (variable !== undefined && schema.description !== undefined)) {
    const kind =
      schema.enum === undefined ? '' : ` One of ${schema.enum.map((value) => `\`${String(value)}\``).join(', ')}.`;
    const isSimple = schema.default !== undefined && (typeof schema.default !== 'object' || schema.default === null);
    const fallback = isSimple ? `\`${String(schema.default)}\`` : schema.type === 'array' ? defaultOfList(schema) : '';
    rows.push(
      `| \`${key}\` | ${variable === undefined ? '' : `\`${variable}\``} | ${schema.description ?? ''}${kind} | ${fallback} |`,
    );
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) collect(child, [...path, name], rows);
}

function defaultOfList(schema: JsonSchema): string {
  const list = Array.isArray(schema.default) ? (schema.default as readonly unknown[]) : [];
  return list.length === 0 ? 'none' : list.map((entry) => `\`${shortened(JSON.stringify(entry))}\``).join('<br>');
}

/** What does not fit into a table is told by its first field. */
const shortened = (json: string): string => (json.length > 200 ? `${json.slice(0, json.indexOf(','))},…}` : json);
