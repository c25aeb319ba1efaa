import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Problem, problemCodes } from '../../src/gateway/problem.js';

describe('problem details (RFC 9457)', () => {
  it.each(problemCodes)('%s has a type and a title of its own, and an error status', (code) => {
    const problem = new Problem(code, 'what happened');
    const body = JSON.parse(problem.toJson()) as Record<string, unknown>;
    expect(body).toMatchObject({ code, status: problem.status, detail: 'what happened' });
    expect(body['type']).toBe(`urn:penstock:problem:${code.slice(3).toLowerCase().replaceAll('_', '-')}`);
    expect(body['title']).toEqual(expect.stringMatching(/^[A-Z]/));
    expect(STATUS_CODES[problem.status]).toBeDefined();
    expect(problem.status).toBeGreaterThanOrEqual(400);
  });
});
