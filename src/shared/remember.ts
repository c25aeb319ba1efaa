/**
 * A function that remembers its answers, in two generations of at most `capacity` each: what is asked for again moves to
 * the young one, and when that is full the old one is forgotten. So a flood of invented questions costs memory only up to
 * that bound.
 */
export function remember<Answer>(answer: (question: string) => Answer, capacity: number): (question: string) => Answer {
  const answers = createGenerations<Answer>(capacity);
  return (question) => {
    const known = answers.get(question);
    // An answer may be undefined too: it is then asked for again, which is the rare case.
    if (known !== undefined) return known;
    const fresh = answer(question);
    answers.set(question, fresh);
    return fresh;
  };
}

/** A map of at most twice `capacity` entries that forgets those which nobody has asked for the longest. */
export function createGenerations<Value>(capacity: number) {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  const set = (key: string, value: Value): void => {
    if (young.size >= capacity) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };
  return {
    get(key: string): Value | undefined {
      const value = young.get(key);
      if (value !== undefined) return value;
      const aged = old.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
    set,
    size: () => young.size + old.size,
  };
}
