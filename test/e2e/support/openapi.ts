import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Contents = Readonly<Record<string, { readonly schema?: object }>>;
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Contents }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

/** What a server says of itself, and whether what it answers is so. */
export async function describedBy(server: string) {
  const document = (await (await fetch(`${server}/openapi.json`)).json()) as Document;
  // References lead from the root of a schema, so it has the components beside it.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);

  return {
    /** As `get /api/live`. */
    operations: Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    ),
    /** What is wrong with the document itself, by the schema of OpenAPI. */
    faults: async () => (await new Validator().validate(document as never)).errors ?? [],
    /** What is wrong with an answer to `get /api/live`; undefined when nothing is. */
    async faultOf(operation: string, response: Response): Promise<string | undefined> {
      const [method = '', path = ''] = operation.split(' ');
      const contentType = response.headers.get('content-type')?.split(';')[0] ?? '';
      const described = document.paths[path]?.[method]?.responses[response.status];
      if (contentType === '' && described !== undefined && described.content === undefined) return undefined;
      const content = described?.content?.[contentType];
      if (content === undefined) return `${operation}: ${response.status} ${contentType} is not described`;
      if (!contentType.endsWith('json')) return undefined;
      const body: unknown = await response.json();
      if (ajv.validate({ ...content.schema, components: document.components }, body)) return undefined;
      return `${operation}: ${ajv.errorsText()} in ${JSON.stringify(body)}`;
    },
  };
}
