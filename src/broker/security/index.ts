export { ensureCertificates, type ServerCertificates } from './certificates.js';
export { ensureKeys } from './keys.js';
export { type SasKeys, type SasOutcome, verifySasToken } from './sas.js';
