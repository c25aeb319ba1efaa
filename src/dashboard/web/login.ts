import { byId, setText } from './dom.js';

/** Shows the login form; `onAdmitted` runs after the server took the token. */
export function createLogin(onAdmitted: () => void): { ask(): void } {
  const form = byId<HTMLFormElement>('login');
  const board = byId('board');
  const token = byId<HTMLInputElement>('token');
  const problem = byId('login-error');

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    setText(problem, '');
    try {
      const response = await fetch('api/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: token.value }),
      });
      if (response.ok) {
        token.value = '';
        form.hidden = true;
        board.hidden = false;
        onAdmitted();
      } else setText(problem, response.status === 401 ? 'That is not the token.' : 'The server could not check it.');
    } catch {
      setText(problem, 'The server does not answer.');
    }
  });
  return {
    ask() {
      form.hidden = false;
      board.hidden = true;
      token.focus();
    },
  };
}
