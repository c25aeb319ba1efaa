import { PenstockError } from '../../shared/errors.js';

/**
 * - `PS_ADMIN_BAD_REQUEST`: the request cannot be understood, or breaks a rule of the service.
 * - `PS_ADMIN_UNAUTHORIZED`: no valid shared access signature for this resource.
 * - `PS_ADMIN_NOT_FOUND`: the entity is not there.
 * - `PS_ADMIN_METHOD`: the resource does not have this method.
 * - `PS_ADMIN_CONFLICT`: an entity of that name is there already.
 * - `PS_ADMIN_QUOTA`: there are as many entities of the kind as there may be.
 * - `PS_ADMIN_TOO_LARGE`: the body is larger than any description may be.
 * - `PS_ADMIN_UNSUPPORTED`: a setting that Azure has and the embedded broker does not.
 */
export type AdminErrorCode =
  | 'PS_ADMIN_BAD_REQUEST'
  | 'PS_ADMIN_UNAUTHORIZED'
  | 'PS_ADMIN_NOT_FOUND'
  | 'PS_ADMIN_METHOD'
  | 'PS_ADMIN_CONFLICT'
  | 'PS_ADMIN_QUOTA'
  | 'PS_ADMIN_TOO_LARGE'
  | 'PS_ADMIN_UNSUPPORTED';

/** HTTP status and sub-code of the answer, as in Azure; clients look at both. */
const ANSWERS: Record<AdminErrorCode, { readonly status: number; readonly subCode: number }> = {
  PS_ADMIN_BAD_REQUEST: { status: 400, subCode: 40000 },
  PS_ADMIN_UNAUTHORIZED: { status: 401, subCode: 40100 },
  PS_ADMIN_NOT_FOUND: { status: 404, subCode: 40400 },
  PS_ADMIN_METHOD: { status: 405, subCode: 40500 },
  PS_ADMIN_CONFLICT: { status: 409, subCode: 40900 },
  PS_ADMIN_QUOTA: { status: 403, subCode: 40300 },
  PS_ADMIN_TOO_LARGE: { status: 413, subCode: 41300 },
  PS_ADMIN_UNSUPPORTED: { status: 400, subCode: 40018 },
};

/** Why a request is not served. The message goes to the caller. */
export class AdminError extends PenstockError<AdminErrorCode> {
  override readonly name = 'AdminError';

  get status(): number {
    return ANSWERS[this.code].status;
  }

  get subCode(): number {
    return ANSWERS[this.code].subCode;
  }
}

export const badRequest = (message: string) => new AdminError('PS_ADMIN_BAD_REQUEST', message);

export const entityNotFound = (path: string) =>
  new AdminError('PS_ADMIN_NOT_FOUND', `The messaging entity '${path}' could not be found.`);

export const notChangeable = (path: string) => new AdminError('PS_ADMIN_METHOD', `${path} can only be read.`);
