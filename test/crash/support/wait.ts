/** What a run of the real system does between two deeds of its schedule. */
export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
