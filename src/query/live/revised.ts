/** The field that tells how often something was taken back in a pane or window; none where nothing was. */
export const revised = (revision: number): { readonly revision?: number } => (revision === 0 ? {} : { revision });
