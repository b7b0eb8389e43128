// Keeps the table of calls under way current by /api/v1/live, and asks for what its buttons say.
// A row is what the server made of a call (#row); words stand in #words, so there is none here.

import {Api, csrf} from "./api.js";
import {explain} from "./faults.js";
import {reached} from "./live-stream.js";
import {Live} from "./live.js";

const api = new Api({csrf, within_ms: 4000});

const table = document.querySelector("#calls");
const body = table.querySelector("tbody");
const none = document.querySelector("#none");
const count = document.querySelector("#count");
const announced = document.querySelector("#announced");
const connection = document.querySelector("#connection");
const refused = document.querySelector("#refused");
const blank = document.querySelector("#row").content.querySelector("tr");
const words = new Map([...document.querySelector("#words").content.querySelectorAll("[data-word]")].map((one) => [one.dataset.word, one]));

const MEANT_AFTER_MS = 600;
const SAID_AT_MOST_EVERY_MS = 2000;
const AGAIN_AFTER_MS = 1000;
const word = (name, otherwise = "") => words.get(name)?.textContent ?? otherwise;
const rowOf = (id) => body.querySelector(`tr[data-call="${CSS.escape(id)}"]`);

function fill(row, call) {
  row.dataset.call = call.id;
  row.dataset.state = call.state;
  row.dataset.may = JSON.stringify(call.may);
  const field = (name) => row.querySelector(`[data-field="${name}"]`);
  const since = field("since");
  if (call.began_at) since.dateTime = call.began_at;
  since.textContent = call.began_at ? call.began_at.slice(11, 19) : "";
  field("agent").textContent = call.agent ?? word("nobody");
  field("queue").textContent = call.queue ?? "–";
  field("direction").textContent = call.direction ? word(call.direction, call.direction) : "";
  const state = words.get(`state-${call.state}`);
  field("state").textContent = state?.textContent ?? call.state;
  field("state").className = `state ${state?.dataset.tone ?? ""}`;
  const pauses = call.state === "not-recorded" ? [] : call.pauses; // where nothing is recorded, no pause is why
  field("why").textContent = pauses.map((cause) => word(`reason-${cause}`, cause)).join(", ");
  field("purposes").textContent = call.recordings.map((one) => one.purpose).join(", ");
  offer(row);
  tick(row);
}

// What the server says may be asked of this call just now, of this verb.
const mayOf = (row, verb) => JSON.parse(row.dataset.may).filter((one) => one.verb === verb);

// Whoever stood on a button that goes stands on the state of its row then, and on no other button: a key that is pressed
// once more, or the second of two clicks, would undo the first.
function offer(row) {
  const agent = row.querySelector("[data-field=agent]").textContent;
  const offered = (verb) => mayOf(row, verb).length > 0 && !(verb === "pause" && row.dataset.state === "paused");
  const buttons = [...row.querySelectorAll("button[data-verb]")];
  const stood = buttons.find((button) => button === document.activeElement);
  for (const button of buttons) {
    if (button.hidden && stood) button.dataset.since = performance.now();
    button.hidden = !offered(button.dataset.verb);
    button.setAttribute("aria-label", `${button.textContent}, ${word("the-call").replace("{agent}", agent)}`);
  }
  if (stood?.hidden) row.querySelector("[data-field=state]").focus();
}

function tick(row) {
  const began = Date.parse(row.querySelector("[data-field=since]").dateTime);
  if (Number.isNaN(began)) return;
  const seconds = Math.max(0, Math.floor((Date.now() - began) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  row.querySelector("[data-field=elapsed]").textContent =
    hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function put(call) {
  let row = rowOf(call.id);
  if (!row) {
    row = blank.cloneNode(true);
    body.append(row);
  }
  fill(row, call);
}

function take(row) {
  if (row.contains(document.activeElement)) document.querySelector("h1").focus();
  row.remove();
}

let toBeSaid;
let saidLast = count.textContent;

// How many there are is shown at once, and said now and then: not with every change of a call.
function tell() {
  const rows = [...body.rows];
  table.hidden = rows.length === 0;
  none.hidden = rows.length > 0;
  const number = (state) => rows.filter((row) => row.dataset.state === state).length;
  const text = word("count").replace("{calls}", rows.length)
    .replace("{recording}", number("recording")).replace("{paused}", number("paused"));
  if (count.textContent !== text) count.textContent = text;
  toBeSaid ??= setTimeout(() => {
    toBeSaid = undefined;
    if (saidLast !== count.textContent) announced.textContent = saidLast = count.textContent;
  }, SAID_AT_MOST_EVERY_MS);
}

function said(name, tone) {
  connection.hidden = false;
  connection.className = `state ${tone}`;
  if (connection.textContent !== word(name)) connection.textContent = word(name);
}

const heard = {
  calls(calls) {
    const there = new Set(calls.map((call) => call.id));
    for (const row of [...body.rows]) if (!there.has(row.dataset.call)) take(row);
    calls.forEach(put);
    said("current", "good");
  },
  call: put,
  over({id}) {
    const row = rowOf(id);
    if (row) take(row);
  },
};

const live = new Live({
  open() {},
  event({name, data}) {
    heard[name](data);
    tell();
  },
  lost: () => said("lost", "bad"),
  held: () => said("lost", "bad"),
});

// Who is not logged in any more is asked to, and anything else is tried again.
async function follow() {
  for (;;) {
    const {status} = await live.follow("/api/v1/live", api).catch((refused) => refused);
    if (status === 401) window.location.reload();
    said("lost", "bad");
    await new Promise((over) => setTimeout(over, AGAIN_AFTER_MS * (0.5 + Math.random())));
    await reached();
  }
}

// A pause ends for each cause that was asked for; what Asterisk itself began (hold) ends by itself.
function bodies(verb, row) {
  if (verb === "pause") return [{reason: "agent-request"}];
  return verb === "resume" ? mayOf(row, verb).map(({reason}) => ({reason})) : [{}];
}

// What does not come back, or might record a card number, is asked first.
function meant(verb, row) {
  const payment = verb === "resume" && mayOf(row, verb).some(({reason}) => reason === "payment");
  return !(payment || verb === "stop") || window.confirm(word(`confirm-${verb}`));
}

body.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-verb]");
  if (!button) return;
  const row = button.closest("tr");
  const verb = button.dataset.verb;
  if (verb === "resume" && performance.now() - button.dataset.since < MEANT_AFTER_MS) return;
  if (!meant(verb, row)) return;
  refused.hidden = true;
  button.setAttribute("aria-busy", "true");
  try {
    for (const asked of bodies(verb, row)) await api.ask("POST", `/api/v1/calls/${row.dataset.call}/${verb}`, asked);
  } catch (problem) {
    await explain(refused, problem);
    refused.hidden = false;
  } finally {
    button.removeAttribute("aria-busy");
  }
});

for (const row of body.rows) {
  offer(row);
  tick(row);
}
void follow();
setInterval(() => [...body.rows].forEach(tick), 1000);
