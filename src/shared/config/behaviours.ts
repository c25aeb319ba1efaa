import { z } from 'zod';

const name = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})$/, 'letters, digits, ".", "_" and "-", 63 at the most');
const text = z.string().min(1).max(256);
const value = z.union([text, z.number(), z.boolean()]);
const oneOrMore = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1).max(200)]);

const operators = {
  equals: value.optional(),
  in: z.array(value).min(1).max(200).optional(),
  startsWith: oneOrMore(text).optional(),
  above: z.number().optional(),
  atLeast: z.number().optional(),
  below: z.number().optional(),
  atMost: z.number().optional(),
  /** Name of a remembered value. What is missing on either side is neither the same nor different. */
  sameAs: name.optional(),
  differsFrom: name.optional(),
};

const subjects = {
  type: oneOrMore(text).optional(),
  property: text.optional(),
  context: z.enum(['country', 'device', 'locale']).optional(),
};

const given = (fields: object, names: object) =>
  Object.keys(names).filter((key) => fields[key as keyof typeof fields] !== undefined).length;

/** A type says itself what it has to be; a property and a context field take one operator. */
const isWhole = (condition: object): boolean => {
  const count = given(condition, operators);
  return given(condition, subjects) === 1 && (given(condition, { type: true }) === 1 ? count === 0 : count === 1);
};
const WHOLE = 'one of "type", "property" and "context", and one operator with the last two';

const plainCondition = z.strictObject({ ...subjects, ...operators }).refine(isWhole, WHOLE);
const conditionSchema = z
  .strictObject({ ...subjects, ...operators, not: plainCondition.optional() })
  .refine(({ not, ...rest }) => (not === undefined ? isWhole(rest) : Object.keys(rest).length === 0), {
    error: `${WHOLE}; or "not" alone`,
  });
const conditions = z.array(conditionSchema).max(20);

const offerSchema = z.strictObject({
  name,
  properties: z
    .record(name, value)
    .refine((fields) => Object.keys(fields).length <= 20, 'at most 20')
    .optional(),
});

const transitionSchema = z.strictObject({
  from: name,
  to: name,
  when: conditions.min(1),
  remember: z
    .record(name, text)
    .refine((names) => Object.keys(names).length <= 10, 'at most 10')
    .optional(),
  offer: offerSchema.optional(),
});

/** The longest window: what an offer may be sent again within must be what the topic detects duplicates over. */
const MAX_WINDOW_MS = 4 * 3_600_000;

type Transitions = readonly z.infer<typeof transitionSchema>[];

/** A behaviour of visitors as a state machine; docs/behaviours.md tells what each part does. */
const behaviourSchema = z
  .strictObject({
    name,
    windowMs: z.int().min(1_000).max(MAX_WINDOW_MS),
    events: conditions.optional(),
    refresh: text.optional(),
    states: z.array(name).min(1).max(20),
    transitions: z.array(transitionSchema).min(1).max(100),
  })
  .refine(({ states }) => new Set(states).size === states.length, { error: 'a state stands twice', path: ['states'] })
  .superRefine(({ states, transitions }, context) => {
    for (const [index, transition] of transitions.entries()) {
      for (const end of ['from', 'to'] as const) {
        if (states.includes(transition[end])) continue;
        context.addIssue({
          code: 'custom',
          message: `"${transition[end]}" is none of the states`,
          path: ['transitions', index, end],
        });
      }
    }
    if (!transitions.some(({ from }) => from === states[0])) {
      context.addIssue({ code: 'custom', message: `no transition from "${states[0]}"`, path: ['transitions'] });
    }
    for (const [index, state] of states.entries()) {
      if (isReached(state, states, transitions)) continue;
      context.addIssue({ code: 'custom', message: `no path leads to "${state}"`, path: ['states', index] });
    }
    for (const [index, transition] of transitions.entries()) {
      const before = transitions.findIndex((other) => sameCase(other, transition));
      if (before === index) continue;
      const message = `as that of transition ${before}, which is taken in its place`;
      context.addIssue({ code: 'custom', message, path: ['transitions', index, 'when'] });
    }
    const unknown = unknownMemory(transitions);
    if (unknown !== undefined) {
      context.addIssue({ code: 'custom', message: `no transition remembers "${unknown}"`, path: ['transitions'] });
    }
  });

function isReached(wanted: string, states: readonly string[], transitions: Transitions): boolean {
  const reached = new Set(states.slice(0, 1));
  // What is added meanwhile is looked at too.
  for (const state of reached) for (const { from, to } of transitions) if (from === state) reached.add(to);
  return reached.has(wanted);
}

const caseOf = ({ from, when }: Transitions[number]) => JSON.stringify([from, when]);
const sameCase = (a: Transitions[number], b: Transitions[number]) => caseOf(a) === caseOf(b);

/** A name that a condition compares with and that nothing is remembered under. */
function unknownMemory(transitions: Transitions): string | undefined {
  const remembered = new Set(transitions.flatMap(({ remember = {} }) => Object.keys(remember)));
  for (const condition of transitions.flatMap(({ when }) => when)) {
    for (const part of [condition, condition.not]) {
      const wanted = part?.sameAs ?? part?.differsFrom;
      if (wanted !== undefined && !remembered.has(wanted)) return wanted;
    }
  }
  return undefined;
}

export type Condition = z.infer<typeof conditionSchema>;
export type BehaviourDefinition = z.infer<typeof behaviourSchema>;

const CLOTHES = ['clothing', 'apparel'];
const SHOES = ['shoes', 'apparel.shoes'];
const category = (startsWith: string[]): Condition => ({ property: 'item_category', startsWith });
const isClothing: Condition[] = [category(CLOTHES), { not: { property: 'item_category', startsWith: SHOES } }];

/** Who looks at a garment, then at shoes, and then at another garment is putting an outfit together. */
const outfit: BehaviourDefinition = {
  name: 'outfit',
  windowMs: 30 * 60_000,
  events: [{ type: 'view_item' }],
  refresh: 'item_id',
  states: ['browsing', 'clothes', 'shoes'],
  transitions: [
    { from: 'browsing', to: 'clothes', when: isClothing, remember: { first: 'item_id' } },
    { from: 'clothes', to: 'shoes', when: [category(SHOES)] },
    {
      from: 'shoes',
      to: 'browsing',
      when: [...isClothing, { property: 'item_id', differsFrom: 'first' }],
      offer: { name: 'outfit-discount' },
    },
  ],
};

export const behavioursSchema = z
  .array(behaviourSchema)
  .max(20)
  .refine((all) => new Set(all.map((behaviour) => behaviour.name)).size === all.length, 'two have the same name')
  .default([outfit]);
