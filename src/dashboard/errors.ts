import { PenstockError } from '../shared/errors.js';

/**
 * PS_DASHBOARD_READ_TIMEOUT: the live figures did not come in time. PS_DASHBOARD_NOT_BUILT: the page's files are
 * missing.
 */
export type DashboardErrorCode = 'PS_DASHBOARD_READ_TIMEOUT' | 'PS_DASHBOARD_NOT_BUILT';

export class DashboardError extends PenstockError<DashboardErrorCode> {
  override readonly name = 'DashboardError';
}
