export { createPort, type Port, type PortOptions } from './port.js';
