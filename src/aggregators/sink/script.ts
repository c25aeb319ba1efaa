import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

type Script<Answer> = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<Answer>;
export type DefineScript = <Answer = number>(name: string, file: string) => Script<Answer>;

/** Makes commands of the *.lua files of this folder. */
export const scriptsFor =
  (redis: Redis | Cluster): DefineScript =>
  (name, file) => {
    redis.defineCommand(name, { lua: readFileSync(new URL(file, import.meta.url), 'utf8') });
    return (redis as unknown as Record<string, ReturnType<DefineScript>>)[name]?.bind(redis) as never;
  };
