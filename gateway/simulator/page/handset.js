// One phone on the page: what it shows is what the server says, nothing else.

const KEYS = [
  ['1', ''], ['2', 'abc'], ['3', 'def'], ['4', 'ghi'], ['5', 'jkl'], ['6', 'mno'],
  ['7', 'pqrs'], ['8', 'tuv'], ['9', 'wxyz'], ['*', ''], ['0', '+'], ['#', ''],
];
const PAGE_SEPTETS = 182;
const DELIVERIES = {
  taken: 'accepté · taken',
  Sent: 'envoyé · sent',
  Buffered: 'en attente · buffered',
  AbsentSubscriber: 'absent · absent',
  Success: 'remis · delivered',
  Failed: 'échec · failed',
  Expired: 'expiré · expired',
  lost: 'accusé de remise perdu · report lost',
};
const POSTINGS = {
  posting: 'en cours · on its way',
  posted: 'reçu par la passerelle · taken',
  not_posted: 'non reçu · not taken',
};
const FAULTS = {
  unknown_code: ["Ce code n'est pas celui du service.", 'This is not the service code.'],
  reply_lost: ['La réponse a été perdue en route.', 'The reply was lost on its way.'],
  timed_out: ['Trop long : le réseau a fermé le dialogue.', 'Too long: the network closed the dialogue.'],
  gateway_timeout: ["La passerelle n'a pas répondu à temps.", 'The gateway did not answer in time.'],
  gateway_unreachable: ['La passerelle est injoignable.', 'The gateway cannot be reached.'],
  gateway_bad_answer: ['La réponse de la passerelle est illisible.', "The gateway's answer cannot be read."],
};

/** The time of day in Bénin. */
export function hour(date) {
  return date.toLocaleTimeString('fr-FR', { hour: '2-digit', minute: '2-digit', timeZone: 'Africa/Porto-Novo' });
}

/** An element with a class and a text; every text of the page goes through textContent. */
export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A French sentence, and its English one in small. */
function bilingual(name, french, english) {
  const made = element(name, '', `${french} `);
  const small = element('span', 'en', english);
  small.lang = 'en';
  made.append(small);
  return made;
}

export class Handset {
  constructor({ title, operator, number, network }, post, changed) {
    this.number = number;
    this.network = network;
    this.post = post;
    this.changed = changed;
    this.phone = null;
    this.code = '*229#';
    this.sending = false;
    this.editing = false; // the number, between its first key and its last
    this.root = document.getElementById('handset').content.firstElementChild.cloneNode(true);
    this.root.dataset.network = network;
    this.root.querySelector('h2').textContent = title;
    this.find('.operator').textContent = operator;
    this.find('.number').value = number;
    this.buildKeys();
    this.listen();
    this.tick();
  }

  find(selector) { return this.root.querySelector(selector); }

  buildKeys() {
    this.find('.keypad').append(...KEYS.map(([key, letters]) => {
      const button = element('button', 'key', key);
      button.type = 'button';
      button.dataset.key = key;
      if (letters) {
        const small = element('small', '', letters);
        small.setAttribute('aria-hidden', 'true');
        button.append(small);
      }
      return button;
    }));
  }

  listen() {
    this.root.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (!button) return;
      if (button.dataset.key) this.type(button.dataset.key);
      else if (button.dataset.do === 'send') this.send();
      else if (button.dataset.do === 'clear') this.clear();
      else if (button.dataset.do === 'hang') this.hangUp();
      else if (button.classList.contains('again')) this.act('redeliver', {});
      else if (button.classList.contains('read')) this.act('inbox/read', {});
    });
    this.find('.texting').addEventListener('submit', (event) => {
      event.preventDefault();
      this.text();
    });
    this.find('.texting textarea').addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey) {
        event.preventDefault();
        this.text();
      }
    });
    this.find('.condition').addEventListener('change', ({ target }) => this.reach({ condition: target.value }));
    this.find('.opted-out').addEventListener('change', ({ target }) => this.reach({ opted_out: target.checked }));
    this.find('.typed').addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.send();
      if (event.key === 'Escape') this.hangUp();
    });
    this.find('.screen').addEventListener('scroll', () => this.showBelow());
    this.find('.screen').addEventListener('click', () => this.find('.typed').focus());
    this.find('.number').addEventListener('input', () => { this.editing = true; });
    this.find('.number').addEventListener('change', (event) => this.changeNumber(event.target));
  }

  type(key) {
    const typed = this.find('.typed');
    if (typed.value.length < typed.maxLength) typed.value += key;
  }

  clear() {
    const typed = this.find('.typed');
    typed.value = typed.value.slice(0, -1);
  }

  async send() {
    if (this.sending) return;
    const typed = this.find('.typed');
    const text = typed.value;
    if (this.phone && this.phone.open && !this.phone.reply_lost) {
      typed.value = '';
      await this.act('answer', { text });
    } else if (text) {
      typed.value = '';
      await this.act('dial', { code: text, network: this.network });
    } else {
      typed.value = this.code; // as a phone that offers the last number dialled
    }
  }

  /** Send what stands in the message field. */
  async text() {
    const field = this.find('.texting textarea');
    const text = field.value;
    if (!text) return;
    field.value = '';
    await this.post(`/api/phones/${encodeURIComponent(this.number)}/sms`, { text });
    await this.changed();
  }

  async reach(how) {
    await this.post(`/api/phones/${encodeURIComponent(this.number)}/condition`, how, 'PUT');
    this.find('.condition').blur();
    await this.changed();
  }

  async hangUp() {
    this.find('.typed').value = '';
    await this.act('hangup', {});
  }

  async act(what, body) {
    if (this.sending) return;
    this.sending = true;
    this.find('.screen').classList.add('waiting');
    try {
      await this.post(`/api/phones/${encodeURIComponent(this.number)}/${what}`, body);
    } finally {
      this.sending = false;
      this.find('.screen').classList.remove('waiting');
    }
    this.find('.screen').scrollTop = 0;
    await this.changed();
  }

  async changeNumber(field) {
    const before = this.number;
    this.editing = false;
    this.number = field.value.trim();
    const known = await this.changed();
    field.setAttribute('aria-invalid', String(!known));
    if (!known) {
      this.number = before;
      await this.changed();
    }
  }

  tick() {
    const now = hour(new Date());
    this.find('.clock').textContent = now;
    const idle = this.root.querySelector('.screen.idle b');
    if (idle) idle.textContent = now;
  }

  /** Show a phone as the server describes it. */
  show(phone, code, shortCode) {
    this.phone = phone;
    this.code = code;
    this.number = phone.msisdn;
    const field = this.find('.number');
    if (!this.editing) field.value = phone.msisdn;
    this.showScreen(phone);
    this.showOutside(phone);
    this.find('.short').textContent = shortCode;
    if (document.activeElement !== this.find('.condition')) this.find('.condition').value = phone.condition;
    this.find('.opted-out').checked = phone.opted_out;
    const waiting = this.find('.waiting-count');
    waiting.hidden = phone.waiting === 0;
    waiting.textContent = `${phone.waiting} SMS en attente · waiting`;
    this.showMessages(phone);
  }

  showScreen(phone) {
    const screen = this.find('.screen');
    const idle = !phone.text && !phone.open && !phone.error;
    screen.classList.toggle('idle', idle);
    if (idle) {
      screen.replaceChildren(element('b', '', hour(new Date())), element('span', '', `Composez ${this.code}`));
    } else if (screen.textContent !== phone.text) {
      screen.textContent = phone.text;
      screen.scrollTop = 0;
    }
    this.showBelow();
    const answering = phone.open && !phone.reply_lost;
    this.find('.typed').placeholder = answering ? 'Réponse' : this.code;
    this.find('.soft-left').textContent = answering ? 'Envoyer' : 'Appeler';
    this.find('.soft-right').textContent = idle ? '' : 'Quitter';
    const mail = this.find('.mail');
    mail.hidden = phone.unread === 0;
    mail.textContent = `✉ ${phone.unread}`;
  }

  /** A phone says when there is more below its last line. */
  showBelow() {
    const screen = this.find('.screen');
    this.find('.below').hidden = screen.scrollTop + screen.clientHeight >= screen.scrollHeight - 1;
  }

  showOutside(phone) {
    const shown = phone.text && !phone.error;
    this.find('.units').textContent = shown ? `${phone.units} / ${PAGE_SEPTETS} septets GSM-7` : '';
    const remarks = [];
    if (phone.cut) remarks.push(['Texte trop long : le réseau a coupé la fin.', 'Too long: the network cut the end.']);
    if (phone.foreign.length) {
      const list = phone.foreign.join(' ');
      remarks.push([`Absents de ce téléphone : ${list}`, 'Characters this phone lacks, shown as ?']);
    }
    if (phone.differs) {
      remarks.push(['Les deux livraisons ont reçu deux réponses différentes.', 'The two deliveries got different replies.']);
    }
    if (phone.error) remarks.push(FAULTS[phone.error] || [`Erreur de la passerelle : ${phone.error}`, 'Gateway error']);
    this.find('.remarks').replaceChildren(...remarks.map((words) => bilingual('li', ...words)));
    this.find('.again').hidden = !phone.reply_lost;
  }

  /** What came and what was sent, the newest first, as one conversation. */
  showMessages({ inbox, outbox, unread }) {
    const badge = this.find('.inbox .badge');
    badge.hidden = unread === 0;
    badge.textContent = unread;
    this.find('.read').hidden = unread === 0;
    const all = [
      ...inbox.map((sms) => ({ at: sms.received_at, sms, title: sms.from, state: DELIVERIES[sms.delivery] })),
      ...outbox.map((sms) => ({ at: sms.sent_at, sms, title: `→ ${sms.to}`, state: POSTINGS[sms.posting], sent: true })),
    ].sort((one, other) => other.at.localeCompare(one.at));
    this.find('.inbox .empty').hidden = all.length > 0;
    this.find('.messages').replaceChildren(...all.map(({ at, sms, title, state, sent }) => {
      const item = element('li', sent ? 'sent' : sms.read ? '' : 'unread');
      const head = element('header');
      head.append(element('b', '', title), element('time', '', hour(new Date(at))));
      const count = sms.segments === 1 ? '1 segment' : `${sms.segments} segments`;
      const unit = sms.encoding === 'GSM-7' ? 'septets' : 'unités';
      item.append(head, sms.text, element('footer', '', `${count} ${sms.encoding}, ${sms.units} ${unit} · ${state}`));
      return item;
    }));
  }
}
