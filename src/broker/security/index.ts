export { ensureCertificates, type ServerCertificates } from './certificates.js';
export { ensureKeys } from './keys.js';
export { keepRenewed } from './renewal.js';
export { type AccessRule, allows, createSasKeys, type Right, rulesProvedBy, type SasKeys } from './rights.js';
export { type SasOutcome, verifySasToken } from './sas.js';
