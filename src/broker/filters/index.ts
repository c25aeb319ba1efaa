export { compileAction, type PropertyChange } from './action.js';
export { compileFilter } from './compile.js';
export { FilterError } from './errors.js';
export type { FilterableMessage, SystemProperty } from './message.js';
