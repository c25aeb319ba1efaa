import type { TokenCredential } from '@azure/identity';

/** How a service is reached: with a shared access key, or with the identity that Azure gives this process. */
export type ServiceAccess =
  | { readonly connectionString: string }
  /** Fully qualified namespace, such as `shop.servicebus.windows.net`. */
  | { readonly namespace: string };

/** The identity library takes a while to load and only Azure needs it. */
export async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}
