// The banner: follows the calls at one extension, and asks of them what their buttons say.

import {Api, Refused} from "./api.js";
import {Cards, Words, glance, keyOf, lasted} from "./banner-calls.js";
import {Parent} from "./banner-parent.js";
import {inWords} from "./faults.js";
import {reached} from "./live-stream.js";
import {Live} from "./live.js";

const REMIND_EVERY_MS = 60000;
const HELLO_WITHIN_MS = 2000;
const ANSWERED_WITHIN_MS = 4000;
const AGAIN_AFTER_MS = 1000;
const LOGGED_OUT_WAIT_MS = 10000;
const ASKED_FIRST = new Set(["stop", "objection", "private", "proof"]);
const RECORDS_MORE = new Set(["resume", "start"]);
const CODES = {KeyP: ["pause"], KeyR: ["resume"], KeyC: ["start"], KeyS: ["stop"], KeyO: ["objection"], KeyV: ["private"]};

const words = new Words(JSON.parse(document.body.dataset.texts));
const asked = new URLSearchParams(window.location.search);
const place = (id) => document.getElementById(id);
const api = new Api({within_ms: ANSWERED_WITHIN_MS}); // a token is kept in memory alone
const live = new Live({open, event: heard, lost: () => lost(""), held: () => lost(words.say("too-many"), {keeps: true})});
const parent = new Parent(document.body.dataset.embeddedBy.split(" ").filter(Boolean), heardFromParent);
const cards = new Cards(place("calls"), words, (call, offer) => void press(call, offer));

let me = null; // who asks, as the API knows them; null: not known (any more)
let agent = asked.get("agent");
let calls = new Map();
let known = false; // whether what is shown is what is so now
let everKnown = false;
let ahead = 0; // by how many milliseconds the server's clock is
let nobody = [words.say("connecting")];
let wake = () => {};
let outdated = null; // the token that was refused last
let out = false; // whether it was said that nobody is logged in
const asking = new Set(); // what has been asked and not answered, by call and offer
const told = new Map(); // what was said of each call last, to who listens here, and to the parent
const reminded = new Map(); // of each pause, since when it is seen here, and how often somebody was reminded of it

// ---- Following

async function follow() {
  await parent.met(HELLO_WITHIN_MS);
  for (;;) {
    try {
      me ??= await whoAsks();
      await live.follow(address("live"), api);
      if (out) await pause(LOGGED_OUT_WAIT_MS);
    } catch (refused) {
      if (!(refused instanceof Refused)) lost(""); // whatever fails here, what is shown may not be so
      await pause(refused instanceof Refused ? refusedToListen(refused) : AGAIN_AFTER_MS);
      await reached();
    }
  }
}

async function whoAsks() {
  const found = await api.ask("GET", "/api/v1/me");
  api.csrf = found.session?.csrf ?? "";
  agent ??= found.extension;
  return found;
}

function address(what) {
  const query = new URLSearchParams({agent: agent ?? ""});
  const pbx = asked.get("pbx");
  if (pbx) query.set("pbx", pbx);
  return `/api/v1/${what}?${query}`;
}

function open(answer) {
  ahead = answer.ahead;
}

function heard({name, data}) {
  if (name === "calls") calls = new Map(data.map((call) => [call.id, call]));
  else if (name === "call") calls.set(data.id, data);
  else if (name === "over") calls.delete(data.id);
  known = everKnown = true;
  nobody = agent ? [words.say("no-call"), words.say("no-call-at", {agent})] : [words.say("no-extension")];
  trouble("");
  draw();
}

// What is shown may not be so any more: said at once, until it is known again.
function lost(why, {logIn = false, keeps = false} = {}) {
  if (known) {
    parent.tell("recording.unknown");
    for (const [id, {text}] of told) told.set(id, {text}); // what is so is told anew once it is known again
  }
  known = false;
  trouble(why || words.say("cut"), {logIn});
  if (why && !keeps) calls.clear();
  nobody = [words.say("state-unknown")];
  draw();
}

// Why nobody is listened to, and for how many milliseconds.
function refusedToListen({status}) {
  if (status === 401) return loggedOut();
  if (status === 403) {
    lost(words.say("forbidden"));
    whoever();
    return LOGGED_OUT_WAIT_MS;
  }
  if (status === 503 && me !== null && !everKnown) lost(words.say("too-many"));
  else lost("");
  return (status === 0 ? 0.1 : 1) * AGAIN_AFTER_MS * (0.5 + Math.random());
}

// Somebody else may sit here from now on: the second word of the session is theirs, and not the one that is known.
function whoever() {
  me = null;
  out = false;
  api.csrf = "";
  agent = asked.get("agent");
}

function loggedOut() {
  const here = window.location.pathname + window.location.search;
  const logIn = `/login?next=${encodeURIComponent(here)}`;
  const first = me === null && !everKnown;
  whoever();
  out = true;
  outdated = api.token;
  api.token = null;
  live.leave(); // what is heard from now on would say that all is well
  if (first && window.parent === window) window.location.replace(logIn);
  const link = document.querySelector("#trouble a");
  link.href = logIn;
  link.target = window.parent === window ? "" : "_blank";
  lost(words.say(parent.framed ? "token-wanted" : "logged-out"), {logIn: true});
  parent.tell("recording.token-wanted");
  return LOGGED_OUT_WAIT_MS;
}

function pause(milliseconds) {
  return new Promise((over) => {
    const timer = setTimeout(over, milliseconds);
    wake = () => {
      clearTimeout(timer);
      over();
    };
  });
}

for (const kind of ["online", "focus", "pageshow"]) window.addEventListener(kind, () => wake());
window.addEventListener("offline", () => lost(""));

// ---- Showing

function draw() {
  const shown = [...calls.values()];
  cards.draw(shown, {known, nobody, busy: (call, offer) => busy(call.id, offer)});
  for (const id of reminded.keys()) if (!paused(calls.get(id))) forget(id);
  if (!calls.has(confirming?.call)) settle(false);
  say(shown);
  tick();
}

function trouble(text, {logIn = false} = {}) {
  const box = place("trouble");
  box.hidden = text === "";
  if (box.firstElementChild.textContent !== text) box.firstElementChild.textContent = text;
  box.querySelector("a").hidden = !logIn;
}

const titleOf = (shown) => {
  if (!known) return words.say("state-unknown");
  const one = shown.find(paused) ?? shown[0];
  return one ? words.say(`state-${glance(one, words).state}`) : words.say("no-call");
};

// Say politely what has become otherwise, here and to the parent: not what passes in a moment.
function say(shown) {
  document.title = `${titleOf(shown)} · ${words.say("title")}`;
  if (!known) return;
  const news = [];
  for (const call of shown) {
    const seen = glance(call, words);
    const text = [words.say(`state-${seen.state}`), seen.why].filter(Boolean).join(words.say("colon"));
    const before = told.get(call.id) ?? {};
    if (seen.state !== "unsettled" && text !== before.text) news.push(text);
    const detail = {call: call.id, state: call.state, purposes: call.purposes, may: call.may};
    const json = JSON.stringify(detail);
    if (json !== before.json) parent.tell("recording.state", detail);
    if (call.state !== before.state) {
      parent.tell(`recording.${call.state}`, detail);
      if (call.state !== "unsettled") cards.alert(call.id, ""); // what was not confirmed is known now
    }
    told.set(call.id, {json, state: call.state, text: seen.state === "unsettled" ? before.text : text});
  }
  for (const id of told.keys()) {
    if (calls.has(id)) continue;
    told.delete(id);
    parent.tell("recording.over", {call: id});
    news.push(words.say("reason-call-ended"));
  }
  if (news.length > 0) place("said").textContent = news.join(". ");
}

// ---- Reminding

const paused = (call) => call?.state === "paused";

function tick() {
  const now = Date.now() + ahead;
  cards.tick(now);
  if (known) for (const call of calls.values()) if (paused(call)) remind(call, now);
}

function remind(call, now) {
  const before = reminded.get(call.id) ?? {seen: now, times: 0};
  const milliseconds = now - (Date.parse(glance(call, words).since ?? "") || before.seen);
  const times = Math.max(0, Math.floor(milliseconds / REMIND_EVERY_MS)); // clocks differ by a little
  reminded.set(call.id, {...before, times});
  if (times <= before.times) return;
  const time = lasted(milliseconds);
  const text = words.say("reminder", {time});
  cards.remind(call.id, text);
  place("said").textContent = text;
  document.title = `⚠ ${time} ${words.say("state-paused")} · ${words.say("title")}`;
  parent.tell("recording.reminder", {call: call.id, milliseconds});
  if (place("sound").checked) beep();
}

function forget(id) {
  reminded.delete(id);
  cards.remind(id, "");
}

let audio = null;

function beep() {
  audio ??= new AudioContext();
  const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = 660;
  loudness.gain.value = 0.15;
  tone.connect(loudness).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.18);
}

const SOUND = "recording-banner-sound";

function storedSound(checked) {
  try {
    if (checked !== undefined) window.localStorage.setItem(SOUND, checked ? "on" : "off");
    return window.localStorage.getItem(SOUND) === "on";
  } catch {
    return false; // a frame of another site may not be let near it
  }
}

place("sound").checked = storedSound();
place("sound").addEventListener("change", ({target}) => {
  storedSound(target.checked);
  if (target.checked) beep();
});

// ---- Asking

// Whether it is no use to ask this: it is being asked, or would record more of a call of which nothing is known.
const busy = (id, offer) => asking.has(`${id} ${keyOf(offer)}`) || (!known && RECORDS_MORE.has(offer.verb));

async function press(id, offer) {
  if (!ASKED_FIRST.has(offer.verb) || (await confirmed(id, offer))) await ask(id, offer);
}

// Ask it, once at a time. Returns what came of it, as the parent is told.
async function ask(id, offer, again = false) {
  const key = `${id} ${keyOf(offer)}`;
  if (busy(id, offer)) return {ok: false, status: 409, detail: "it is being asked already, or the state is unknown"};
  const {verb, ...body} = offer;
  asking.add(key);
  cards.alert(id, "");
  draw();
  try {
    const {state} = await api.ask("POST", `/api/v1/calls/${encodeURIComponent(id)}/${verb}`, body);
    return {ok: true, status: 200, state};
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.answer?.code === "no-csrf" && !again) return await askAnew(id, offer, key);
    if (refused.status === 401) loggedOut();
    else await failed(id, offer, refused);
    return {ok: false, status: refused.status, detail: refused.message};
  } finally {
    asking.delete(key);
    draw();
  }
}

// They have logged in anew since: it is asked once more in the name of who that is.
async function askAnew(id, offer, key) {
  whoever();
  live.leave();
  me = await whoAsks().catch(() => null);
  asking.delete(key);
  return await ask(id, offer, true);
}

async function failed(id, {verb}, refused) {
  const texts = {0: "unreached", 404: "gone", 503: verb === "pause" ? "unconfirmed-pause" : "unconfirmed"};
  const text = texts[refused.status];
  cards.alert(id, text ? words.say(text) : await inWords(refused));
}

let confirming = null;
const dialog = place("confirm");

// Whether whoever pressed the button means it.
function confirmed(id, offer) {
  const alike = calls.get(id).may.filter((other) => other.verb === offer.verb).length;
  const label = words.label(offer, alike);
  place("confirm-title").textContent = label;
  place("confirm-text").textContent = words.say(`confirm-${offer.verb}`);
  place("confirm-yes").textContent = label;
  place("confirm-yes").className = offer.verb === "stop" ? "" : "danger";
  dialog.showModal();
  place("confirm-no").focus();
  confirming?.answer(false); // it is closed, and that has not been said yet
  return new Promise((answer) => (confirming = {call: id, answer}));
}

function settle(answer) {
  if (confirming === null) return;
  confirming.answer(answer);
  confirming = null;
  dialog.close();
}

place("confirm-no").addEventListener("click", () => settle(false));
place("confirm-yes").addEventListener("click", () => settle(true));
dialog.addEventListener("close", () => dialog.open || settle(false)); // of a question before, where one is open

// ---- Keys

const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  const verbs = CODES[event.code];
  const others = event.ctrlKey || event.metaKey || event.shiftKey || event.repeat;
  if (!verbs || !event.altKey || others || dialog.open || event.target.closest(TYPING)) return;
  event.preventDefault();
  if (verbs.includes("pause")) return [...calls.keys()].forEach((id) => key(id, verbs)); // whichever has the card number
  const ids = cards.focused ? [cards.focused] : [...calls.keys()];
  if (ids.length === 1) key(ids[0], verbs);
  else place("said").textContent = words.say("choose");
});

function key(id, verbs) {
  const offers = calls.get(id).may.filter(({verb}) => verbs.includes(verb));
  const first = verbs.map((verb) => offers.filter((offer) => offer.verb === verb)).find((found) => found.length > 0) ?? [];
  if (first.length === 1) void press(id, first[0]);
  else if (first.length > 1) cards.focus(id, keyOf(first[0]));
}

// ---- The page around

function heardFromParent(message) {
  if (message.type === "hello") welcome(message.token);
  else if (message.type === "command") void obey(message);
}

function welcome(token) {
  told.clear(); // whoever has just come is told all
  if (known) draw();
  if (typeof token !== "string" || token === api.token || token === outdated) return;
  api.token = token;
  whoever();
  calls.clear();
  lost("");
  live.leave(); // whoever asks from now on is somebody else
  wake();
}

// What the page around asks was confirmed there, where it had to be. What records less is asked of whatever call there
// is, also while nobody listens to what goes on.
async function obey({id, verb, call, purpose, reason}) {
  const there = known || RECORDS_MORE.has(verb) ? calls : await looked().catch(() => calls);
  const ids = call === undefined ? [...there.keys()] : [call].filter((one) => there.has(one));
  const offers = ids.length === 1 ? there.get(ids[0]).may : [];
  const fits = (offer) =>
    offer.verb === verb &&
    (purpose === undefined || offer.purpose === purpose) &&
    (reason === undefined || offer.reason === reason);
  const found = offers.filter(fits);
  const answer =
    found.length === 1
      ? await ask(ids[0], found[0])
      : {ok: false, status: 409, detail: found.length ? "several of these: say which" : "not to be asked just now"};
  parent.tell("recording.answer", {id, verb, call: ids[0] ?? null, ...answer});
}

// The calls at this extension as they are at this moment.
async function looked() {
  const there = await api.ask("GET", address("calls"));
  return new Map(there.map((one) => [one.id, one]));
}

setInterval(tick, 1000);
void follow();
