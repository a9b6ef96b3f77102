// The page of /graphql: GraphiQL for whoever is logged in or brings a token, and example queries of their graph.
import 'graphiql/graphiql.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const TOKEN = 'concord.token'; // kept for this tab only
const OWN_PAGE = { 'X-Concord-Page': '1' }; // what no other site may send beside our cookie
const NOBODY = { kind: 'nobody' };
const WELCOME = `# Log in above, or paste an access token.
# The command line prints one:
#
#   python -m app token --audience internal
#
# Queries of your own graph to try then
# appear here.
`;

const proofOf = (who) => (who.kind === 'token' ? { Authorization: `Bearer ${who.token}` } : OWN_PAGE);

function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // the server says what is wrong with it
  }
}

async function post(who, parameters) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...proofOf(who) },
    body: JSON.stringify(parameters),
  });
  return response.json();
}

const closed = (event) => ({ errors: [{ message: event.reason || 'The connection was closed.' }] });

function stream(who, parameters) {
  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: who.kind === 'token' ? proofOf(who) : {},
    retryAttempts: 0,
  });
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* client.iterate(parameters);
      } catch (problem) {
        yield Array.isArray(problem) ? { errors: problem } : closed(problem);
      } finally {
        client.dispose();
      }
    },
  };
}

const fetcherFor = (who) => (parameters) => (isSubscription(parameters) ? stream(who, parameters) : post(who, parameters));

async function examplesFor(who) {
  const response = await fetch('/graphql/examples', { headers: proofOf(who) });
  return response.ok ? response.text() : undefined;
}

async function sessionHere() {
  const response = await fetch('/login/session', { headers: OWN_PAGE });
  return response.ok ? response.json() : { session: null, providers: [] };
}

function audienceOf(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(payload)).concord_audience;
  } catch {
    return undefined;
  }
}

async function withToken(token) {
  const who = { kind: 'token', token };
  const examples = await examplesFor(who);
  if (examples === undefined) return { who: NOBODY, examples: WELCOME, message: 'This token was refused.' };
  sessionStorage.setItem(TOKEN, token);
  const audience = audienceOf(token);
  return { who, examples, message: audience ? `The graph of the ${audience} audience.` : 'Your graph.' };
}

async function start() {
  const { session, providers = [] } = await sessionHere();
  if (session) {
    sessionStorage.removeItem(TOKEN);
    const who = { kind: 'session', session };
    return { who, examples: (await examplesFor(who)) ?? WELCOME, message: `The graph of the ${session.audience} audience.` };
  }
  const token = sessionStorage.getItem(TOKEN);
  const state = token ? await withToken(token) : { who: NOBODY, examples: WELCOME, message: 'Nobody is logged in.' };
  return { ...state, providers };
}

async function logOut() {
  const response = await fetch('/logout', { method: 'POST', headers: OWN_PAGE });
  const { next } = response.ok ? await response.json() : { next: '/graphql' };
  location.assign(next);
}

function LoggedIn({ session }) {
  const role = session.role.replaceAll('_', ' ');
  return (
    <>
      <span id="who">
        <strong>{session.subject}</strong> as {role}
        {session.party ? ` of ${session.party}` : ''} ({session.provider})
      </span>
      <button id="logout" type="button" onClick={logOut}>Log out</button>
    </>
  );
}

function WaysIn({ providers, token, onToken }) {
  const submit = (event) => {
    event.preventDefault();
    onToken(new FormData(event.target).get('token').trim());
  };
  return (
    <>
      {providers.map(({ name, title }) => (
        <a key={name} className="concord-login" href={`/login?with=${encodeURIComponent(name)}&next=/graphql`}>
          {providers.length > 1 ? `Log in: ${title}` : 'Log in'}
        </a>
      ))}
      <form onSubmit={submit}>
        <label htmlFor="token">Access token</label>
        <input id="token" name="token" type="password" autoComplete="off" spellCheck="false" defaultValue={token} />
        <button type="submit">Use this token</button>
      </form>
    </>
  );
}

function Bar({ state, onToken }) {
  const { who, providers, message } = state;
  return (
    <header className="concord-bar">
      <strong>Concord</strong>
      {who.kind === 'session' ? (
        <LoggedIn session={who.session} />
      ) : (
        <WaysIn providers={providers} token={who.token ?? ''} onToken={onToken} />
      )}
      <output role="status">{message}</output>
    </header>
  );
}

function Page({ initial }) {
  const [state, setState] = useState(initial);
  const use = async (token) => setState({ ...state, ...(await withToken(token)) });
  const { who, examples } = state;
  const known = who.kind !== 'nobody';
  return (
    <>
      <Bar state={state} onToken={use} />
      <GraphiQL
        key={known ? who.token ?? who.session.subject : ''}
        fetcher={fetcherFor(who)}
        schema={known ? undefined : null}
        query={examples}
        shouldPersistHeaders={false}
        isHeadersEditorEnabled={false}
        storage={{ length: 0, getItem: () => null, setItem() {}, removeItem() {}, clear() {} }}
      />
    </>
  );
}

start().then((initial) => {
  createRoot(document.getElementById('page')).render(<Page initial={initial} />);
});
