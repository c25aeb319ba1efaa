export { consumerNames, createConsumer } from './catalogue.js';
export { type RunningConsumer, runConsumer } from './run.js';
