import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../helpers/chromium.js';

/** A site whose pages embed a browser SDK, and a real browser that visits it. */
export interface BrowserSite {
  readonly url: string;
  visit(path?: string): Promise<Page>;
  close(): Promise<void>;
}

/** `script` is the module that the pages run; it may import the SDK by its name. `csp` is the pages' security policy. */
export async function openBrowserSite(script: string, { csp }: { csp?: string } = {}): Promise<BrowserSite> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    target: 'chrome100',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  const code = outputFiles[0]?.text ?? '';
  // A server and not a route of Playwright, which would hold up requests and lose those of a page that is gone.
  const server = createServer((request, response) => {
    const isScript = request.url === '/sdk.js';
    if (csp !== undefined) response.setHeader('content-security-policy', csp);
    response.setHeader('content-type', `${isScript ? 'text/javascript' : 'text/html'}; charset=utf-8`);
    response.end(isScript ? code : '<!doctype html><title>Shop</title><script src="/sdk.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser: Browser = await launchChromium();
  return {
    url,
    async visit(path = '/') {
      const page = await browser.newPage({ locale: 'de-DE' });
      await page.goto(url + path);
      return page;
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
