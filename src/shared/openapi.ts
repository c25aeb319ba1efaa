import { z } from 'zod';

/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Content {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
}

/** What one route does, as OpenAPI 3.1.1 describes it (section 4.8.10). */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Omit<Content, 'description'> & { readonly description?: string; readonly required?: boolean };
  /** By status. */
  readonly responses: Readonly<Record<string, Content>>;
  /** Where it is another than that of all. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does; one without it is not part of the described interface. Called when somebody asks. */
    operation?: () => Operation;
  }
}

interface Route {
  readonly method: string | readonly string[];
  /** With parameters as `:name`. */
  readonly url: string;
  readonly config?: { readonly operation?: () => Operation };
}

export interface ApiInfo {
  readonly title: string;
  readonly description: string;
  readonly security: NonNullable<Operation['security']>;
  readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Raised when a client that was made from an older document would not work any more. */
const API_VERSION = '1';

/** Gathers what the routes of an HTTP server say of themselves, as they are added. */
export function createApiDescription({ title, description, security, securitySchemes }: ApiInfo) {
  const described: (readonly [path: string, method: string, operation: () => Operation])[] = [];
  let known: string | undefined;

  const pathsOf = () => {
    const paths: Record<string, Record<string, Operation>> = {};
    for (const [path, method, operation] of described) paths[path] = { ...paths[path], [method]: operation() };
    return paths;
  };
  return {
    add({ method, url, config }: Route): void {
      const operation = config?.operation;
      if (operation === undefined) return;
      const path = url.replace(/:(\w+)/g, '{$1}');
      // GET says enough of HEAD, which the server adds by itself.
      for (const each of [method].flat()) if (each !== 'HEAD') described.push([path, each.toLowerCase(), operation]);
    },
    /** The OpenAPI 3.1.1 document of all of them, as JSON. Made once, when somebody asks: a start has better to do. */
    json(): string {
      known ??= JSON.stringify({
        openapi: '3.1.1',
        info: { title, version: API_VERSION, description, license: { name: 'MIT', identifier: 'MIT' } },
        servers: [{ url: '/' }],
        security,
        paths: pathsOf(),
        components: { securitySchemes, schemas: { Problem: schemaOf(problemSchema) } },
      });
      return known;
    },
  };
}

/** RFC 9457. */
const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.string().optional().describe('Which error it is: docs/errors.md lists them.'),
});

/** Of what is answered, or with `input` of what is taken. */
export function schemaOf(type: z.ZodType, io: 'input' | 'output' = 'output'): Schema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io, unrepresentable: 'any' });
  return schema;
}

/** The parameters of a query that is read as this object. */
export function queryOf(type: z.ZodType): readonly Parameter[] {
  const { properties = {}, required = [] } = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as Schema & { readonly description?: string };
    return {
      name,
      in: 'query',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
    };
  });
}

export const pathParameter = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
});

export const jsonOf = (description: string, type: z.ZodType): Content => ({
  description,
  content: { 'application/json': { schema: schemaOf(type) } },
});

export const textOf = (description: string, contentType = 'text/plain'): Content => ({
  description,
  content: { [contentType]: { schema: { type: 'string' } } },
});

export const problemOf = (description: string): Content => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});
