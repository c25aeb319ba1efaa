import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../src/local/index.js';
import type { Parts } from './parts.js';

const PROGRAM = '/usr/sbin/nginx';
export const INSTALL_NGINX = 'for the row of nginx: apt-get install nginx-light';

export const hasNginx = (): boolean => existsSync(PROGRAM);

/** One worker that reads the request and answers 204, with folders of its own. @returns its URL */
export async function startNginx(parts: Parts): Promise<string> {
  const port = await findFreePort();
  const folder = parts.folder('nginx');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`);
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr notice; events { worker_connections 1024; }
    http {
      access_log off; keepalive_requests 100000000; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port}; location / { return 204; } }
    }`,
  );
  await parts.program({
    name: 'nginx',
    command: PROGRAM,
    args: ['-p', folder, '-c', config],
    env: {},
    ready: { by: 'line', text: 'start worker process ' },
    stopSignal: 'SIGTERM',
  });
  return `http://127.0.0.1:${port}`;
}
