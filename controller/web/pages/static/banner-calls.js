// Draws the calls: one card for each, in which what is the same stays as it is, so that nobody loses their place.

const DANGER = new Set(["objection", "private", "proof"]);
const QUIET = new Set(["stop"]);
const RECORDS_MORE = new Set(["resume", "start"]);
const MEANT_AFTER_MS = 600; // the second of two clicks was meant for what stood there before
const KEYS = {pause: "P", resume: "R", start: "C", stop: "S", objection: "O", private: "V"};

export class Words {
  constructor(texts) {
    this.texts = texts;
  }

  say(name, values = {}) {
    return (this.texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
  }

  // Why something is so, in the words for this state where there are any.
  why(state, reason) {
    return reason === null ? "" : (this.texts[`${state}-${reason}`] ?? this.texts[`reason-${reason}`] ?? reason);
  }

  label({verb, purpose, reason}, alike) {
    if (verb === "start") return this.say("verb-start", {purpose: spoken(purpose)});
    if ((verb === "stop" || verb === "proof") && alike > 1) return this.say(`verb-${verb}-of`, {purpose: spoken(purpose)});
    if (verb === "resume" && alike > 1) return this.say("verb-resume-other", {reason: this.why("paused", reason)});
    return this.say(`verb-${verb}`);
  }
}

// A name of the configuration as people say it.
const spoken = (name) => name.replaceAll("-", " ");

// "2:05", or "1:00:05".
export function lasted(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

// What one sees at a glance: a word for the call, why it is so, since when, and whether its purposes say more than that.
export function glance(call, words) {
  const said = ["telling", "waiting", "not-recorded"];
  const first = (states) => states.map((state) => call.purposes.find((one) => one.state === state)).find(Boolean);
  const found = first(call.state === "not-recorded" ? said : [call.state]);
  const state = found?.state ?? call.state;
  const excluded = call.purposes.length === 0 && call.began_at === null;
  const nothing = call.purposes.length === 0 ? words.say(excluded ? "excluded" : "no-purpose") : "";
  return {state, why: found ? words.why(found.state, found.reason) : nothing, since: found?.since ?? null};
}

export const keyOf = (offer) => [offer.verb, offer.purpose ?? "", offer.reason ?? ""].join(" ");

export class Cards {
  #place;
  #words;
  #cards = new Map();
  #born = new WeakMap();

  // pressed(call, offer): a button of a card was pressed.
  constructor(place, words, pressed) {
    this.#place = place;
    this.#words = words;
    this.pressed = pressed;
  }

  // calls: as the API has them; known: whether that is what is so now; busy(call, offer): whether it is being asked.
  draw(calls, {known, busy, nobody}) {
    for (const [id, card] of this.#cards) {
      if (calls.some((call) => call.id === id)) continue;
      card.root.remove();
      this.#cards.delete(id);
    }
    const empty = this.#place.querySelector(".empty");
    if (calls.length > 0) empty?.remove();
    else this.#say(nobody, empty);
    calls.forEach((call, index) => {
      const title = calls.length > 1 ? this.#words.say("call-of", {number: index + 1, count: calls.length}) : "";
      this.#draw(this.#card(call.id), call, {known, busy, title});
    });
  }

  // What goes wrong in a call, or takes long; empty: nothing any more.
  alert(id, text) {
    this.#put(id, "alert", text);
  }

  remind(id, text) {
    this.#put(id, "reminder", text);
    const root = this.#cards.get(id)?.root;
    if (!root) return;
    root.classList.remove("reminding");
    void root.offsetWidth; // so that it begins anew
    root.classList.toggle("reminding", text !== "");
  }

  // Tell each time anew how long it has lasted.
  tick(now) {
    for (const {time} of this.#cards.values()) {
      if (time.dateTime) time.textContent = lasted(now - Date.parse(time.dateTime));
    }
  }

  // The call whose card has the focus.
  get focused() {
    return [...this.#cards].find(([, card]) => card.root.contains(document.activeElement))?.[0] ?? null;
  }

  focus(id, key) {
    this.#cards.get(id)?.buttons.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  #put(id, part, text) {
    const card = this.#cards.get(id);
    if (!card || card[part].textContent === text) return;
    card[part].textContent = text;
    card[part].hidden = text === "";
  }

  #say(lines, empty) {
    const place = empty ?? element("p", {className: "faint empty"});
    place.replaceChildren(element("strong", {textContent: lines[0]}), ...(lines[1] ? [lines[1]] : []));
    if (!empty) this.#place.append(place);
  }

  #card(id) {
    if (!this.#cards.has(id)) this.#cards.set(id, this.#newCard());
    return this.#cards.get(id);
  }

  #newCard() {
    const card = {
      root: element("section", {className: "call"}),
      title: element("p", {className: "title"}),
      heading: element("h2", {tabIndex: -1}),
      icon: icon("unknown"),
      word: element("strong"),
      why: element("span", {className: "why"}),
      time: element("time"),
      purposes: element("ul", {className: "purposes"}),
      reminder: element("p", {className: "reminder", hidden: true}),
      alert: element("p", {hidden: true}),
      buttons: element("div", {className: "buttons"}),
    };
    card.alert.setAttribute("role", "alert");
    card.time.setAttribute("role", "timer");
    card.heading.append(card.word, card.why);
    const line = element("div", {className: "glance"});
    line.append(card.icon, card.heading, card.time);
    card.root.append(card.title, line, card.purposes, card.reminder, card.alert, card.buttons);
    this.#place.append(card.root);
    return card;
  }

  #draw(card, call, {known, busy, title}) {
    const words = this.#words;
    const seen = glance(call, words);
    const state = known ? seen.state : "unknown";
    card.root.dataset.state = state;
    card.root.dataset.call = call.id;
    card.root.setAttribute("aria-label", title || words.say("title"));
    const queue = call.queue ? words.say("queue", {queue: call.queue}) : "";
    card.title.textContent = [title, queue].filter(Boolean).join(" · ");
    card.title.hidden = card.title.textContent === "";
    card.icon.firstChild.setAttribute("href", `#icon-${state}`);
    card.word.textContent = words.say(`state-${state}`);
    card.why.textContent = known ? seen.why : "";
    card.time.dateTime = known && seen.since ? seen.since : "";
    if (!card.time.dateTime) card.time.textContent = "";
    this.#drawPurposes(card.purposes, call.purposes, known);
    this.#drawButtons(card, call, busy);
  }

  #drawPurposes(list, purposes, known) {
    list.hidden = purposes.length < 2 || !known;
    list.setAttribute("aria-label", this.#words.say("purposes"));
    list.replaceChildren(...purposes.map(({name, state, reason}) => {
      const line = element("li");
      const why = this.#words.why(state, reason);
      line.dataset.state = state;
      const text = element("span");
      const word = this.#words.say(`state-${state}`);
      text.append(element("b", {textContent: spoken(name)}), `${this.#words.say("colon")}${word}${why && ` (${why})`}`);
      line.append(icon(state), text);
      return line;
    }));
  }

  // Whoever stood on a button that goes stands on the state then, and on no other button: a key that is pressed once
  // more would record what was not to be recorded.
  #drawButtons({buttons: place, heading}, call, busy) {
    const offers = call.may;
    const held = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const before = new Map([...place.children].map((button) => [button.dataset.key, button]));
    const after = offers.map((offer) => {
      const button = before.get(keyOf(offer)) ?? element("button", {type: "button"});
      if (!this.#born.has(button)) this.#born.set(button, before.size ? performance.now() : -Infinity);
      const alike = offers.filter((other) => other.verb === offer.verb).length;
      button.dataset.key = keyOf(offer);
      button.dataset.verb = offer.verb;
      button.className = DANGER.has(offer.verb) ? "danger" : QUIET.has(offer.verb) ? "quiet" : "";
      button.textContent = this.#words.label(offer, alike);
      button.setAttribute("aria-disabled", String(busy(call, offer)));
      if (KEYS[offer.verb]) {
        button.setAttribute("aria-keyshortcuts", `Alt+${KEYS[offer.verb]}`);
        button.title = `Alt+${KEYS[offer.verb]}`;
      }
      button.onclick = () => this.#meant(button, offer) && this.pressed(call.id, offer);
      return button;
    });
    if (after.length !== place.children.length || after.some((button, index) => button !== place.children[index])) {
      place.replaceChildren(...after);
      if (held) (after.find((button) => button.dataset.key === held) ?? heading).focus();
    }
  }

  #meant(button, {verb}) {
    return !RECORDS_MORE.has(verb) || performance.now() - this.#born.get(button) > MEANT_AFTER_MS;
  }
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

function icon(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${state}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}
