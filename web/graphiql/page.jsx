// The page of /graphql: GraphiQL, a field for the token, and example queries of the token's own graph.
import 'graphiql/graphiql.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const TOKEN = 'concord.token'; // kept for this tab only
const WELCOME = `# Paste an access token into the field above.
# The command line prints one:
#
#   python -m app token --audience internal
#
# Queries of your own graph to try then
# appear here.
`;

const authorization = (token) => ({ Authorization: `Bearer ${token}` });

function fetcherFor(token) {
  return async (parameters) => {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...authorization(token) },
      body: JSON.stringify(parameters),
    });
    return response.json();
  };
}

async function examplesFor(token) {
  const response = await fetch('/graphql/examples', { headers: authorization(token) });
  return response.ok ? { text: await response.text() } : { refused: true };
}

function TokenForm({ state, onToken }) {
  const submit = (event) => {
    event.preventDefault();
    onToken(new FormData(event.target).get('token').trim());
  };
  return (
    <form className="concord-token" onSubmit={submit}>
      <strong>Concord</strong>
      <label htmlFor="token">Access token</label>
      <input id="token" name="token" type="password" autoComplete="off" spellCheck="false" defaultValue={state.token} />
      <button type="submit">Use this token</button>
      <output role="status">{state.message}</output>
    </form>
  );
}

function audienceOf(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(payload)).concord_audience;
  } catch {
    return undefined;
  }
}

async function stateFor(token) {
  if (!token) return { token: '', examples: WELCOME, message: 'No token yet.' };
  const { text, refused } = await examplesFor(token);
  if (refused) return { token, examples: WELCOME, message: 'This token was refused.' };
  sessionStorage.setItem(TOKEN, token);
  return { token, valid: true, examples: text, message: `The graph of the ${audienceOf(token)} audience.` };
}

function Page({ initial }) {
  const [state, setState] = useState(initial);
  const use = async (token) => setState(await stateFor(token));
  return (
    <>
      <TokenForm state={state} onToken={use} />
      <GraphiQL
        key={state.valid ? state.token : ''}
        fetcher={fetcherFor(state.token)}
        schema={state.valid ? undefined : null}
        query={state.examples}
        shouldPersistHeaders={false}
        isHeadersEditorEnabled={false}
        storage={{ length: 0, getItem: () => null, setItem() {}, removeItem() {}, clear() {} }}
      />
    </>
  );
}

stateFor(sessionStorage.getItem(TOKEN) ?? '').then((initial) => {
  createRoot(document.getElementById('page')).render(<Page initial={initial} />);
});
