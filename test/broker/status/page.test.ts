import { expect, test } from 'vitest';
import { renderPage } from '../../../src/broker/status/page.js';
import { brokerStatus, queueStatus } from './status.js';

test('names are text in the page, whatever they hold', () => {
  const page = renderPage(brokerStatus({ queues: [queueStatus('<script>alert(1)</script>')] }));
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
});

test('dead letters catch the eye', () => {
  const counts = { active: 0, deferred: 0, scheduled: 0, deadLetter: 12_345, transfer: 0, transferDeadLetter: 0 };
  expect(renderPage(brokerStatus({ queues: [queueStatus('orders', { counts })] }))).toContain(
    '<td class="bad">12,345</td>',
  );
});

test('a broker without entities has a page too', () => {
  expect(renderPage(brokerStatus())).toContain('<p class="none">None.</p>');
});
