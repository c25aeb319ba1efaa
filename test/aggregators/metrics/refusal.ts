/** Why a definition is refused; `none` when it is not. */
export function refusalOf(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}
