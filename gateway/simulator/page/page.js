// The page asks the server what there is to show, twice a second, and draws only what changed.

import { Handset, element, hour } from './handset.js';

const POLL_MS = 500;
const STATES = {
  received: 'reçue · received',
  acknowledged: 'accusée · acknowledged',
  asked: 'question posée · asked',
  answered: 'répondu · answered',
  withdrawn: 'retirée · withdrawn',
  granted: 'accordée · granted',
  refused: 'refusée · refused',
};
const SAID = { answer: 'Réponse · Answer', correction: 'Correction' };
const NETWORKS = [
  { title: 'Téléphone 1 · Africa’s Talking', operator: 'MTN', number: '+2290197000000', network: 'africastalking' },
  { title: 'Téléphone 2 · MTN MADAPI', operator: 'MTN', number: '+2290166000000', network: 'mtn_madapi' },
];

let seen = '';
let asked = 0;

const handsets = NETWORKS.map((network) => new Handset(network, post, refresh));
document.getElementById('handsets').append(...handsets.map((handset) => handset.root));

async function post(path, body, method = 'POST') {
  const answer = await fetch(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.ok;
}

/** Draw what the server says now; false when it refused the question (a number that is none). */
async function refresh() {
  const turn = ++asked;
  const query = new URLSearchParams(handsets.map((handset) => ['phone', handset.number]));
  query.append('seen', seen);
  let answer;
  try {
    answer = await fetch(`/api/view?${query}`);
  } catch {
    document.getElementById('away').hidden = false;
    return true;
  }
  document.getElementById('away').hidden = true;
  if (!answer.ok) return false;
  if (answer.status === 204) return true;
  const view = await answer.json();
  if (turn === asked) draw(view); // an older answer must not overwrite a newer one
  return true;
}

function draw(view) {
  seen = view.seen;
  document.getElementById('code').textContent = view.service_code;
  handsets.forEach((handset, place) => handset.show(view.phones[place], view.service_code, view.short_code));
  drawSwitches(view.switches);
  drawCases(view.cases);
}

function drawSwitches(switches) {
  const form = document.getElementById('switches');
  let on = 0;
  for (const [name, value] of Object.entries(switches)) {
    const field = form.elements[name];
    if (field.type === 'checkbox') field.checked = value;
    else if (document.activeElement !== field) field.value = String(value);
    if (![false, 'no', 'normal', 'iso', 0].includes(value)) on += 1;
  }
  const badge = document.getElementById('faults-on');
  badge.hidden = on === 0;
  badge.textContent = on;
}

function drawCases(cases) {
  document.getElementById('no-cases').hidden = cases.length > 0;
  document.getElementById('cases').replaceChildren(...cases.map((one) => {
    const item = element('li');
    item.append(
      element('span', 'reference', one.reference.replace(/(\d{4})(?=\d)/g, '$1 ')),
      element('span', '', one.service),
      element('time', 'en', hour(new Date(one.received_at))),
      element('span', `state ${one.state}`, STATES[one.state]),
    );
    item.append(...one.statements.map((said) => element('p', 'statement', `${SAID[said.kind]}: ${said.text}`)));
    return item;
  }));
}

document.getElementById('switches').addEventListener('submit', (event) => event.preventDefault());
document.getElementById('switches').addEventListener('change', async ({ target }) => {
  let value = target.value;
  if (target.type === 'checkbox') value = target.checked;
  if (target.type === 'number') value = Math.round(Number(target.value));
  await post('/api/switches', { [target.name]: value }, 'PUT');
  target.blur();
  seen = '';
  await refresh();
});
document.getElementById('reset').addEventListener('click', async () => {
  await post('/api/reset', {});
  await refresh();
});

async function poll() {
  if (!document.hidden) {
    await refresh();
    handsets.forEach((handset) => handset.tick());
  }
  setTimeout(poll, POLL_MS);
}
poll();
