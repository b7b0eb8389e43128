// A form with data-api asks the API for what it says, with its filled-in fields as JSON, and then goes to data-then
// (or shows the page anew). {field} in data-api stands for a field, which is then no part of the body.
// A field with data-as="json" is the value that it says, one with data-as="list" all that is chosen, be it nothing.
// With data-shows the answer, and what was sent, is shown in the element of that id instead. data-confirm is asked first.
// What goes wrong is said in the form's element of role alert.

import {ask} from "./api.js";
import {explain} from "./faults.js";

for (const form of document.querySelectorAll("form[data-api]")) {
  attend(form, async (submitter) => {
    const fields = fieldsOf(form, submitter);
    const answer = await send(form, submitter);
    for (const password of form.querySelectorAll("[type=password]")) password.value = "";
    if (form.dataset.shows) show(document.getElementById(form.dataset.shows), {...fields, ...answer});
    else if (form.dataset.then) window.location.assign(form.dataset.then);
    else window.location.reload();
    return !form.dataset.shows;
  });
}

// Does this work whenever the form is submitted, and says what went wrong. Buttons stay as they are while it goes on,
// and afterwards too where it says true: then another page is on its way.
export function attend(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (question && !window.confirm(question)) return;
    const alert = form.querySelector("[role=alert]");
    const buttons = [...form.elements].filter((one) => one.localName === "button");
    alert.hidden = true;
    const shown = document.getElementById(form.dataset.shows);
    if (shown) shown.hidden = true;  // it is of what was sent before
    const sent = work(event.submitter);  // a disabled button would not be among the fields
    for (const button of buttons) button.disabled = true;
    let leaving = false;
    try {
      leaving = await sent;
    } catch (problem) {
      await explain(alert, problem, form);
      alert.hidden = false;
    }
    if (!leaving) for (const button of buttons) button.disabled = false;
  });
}

export function fieldsOf(form, submitter) {
  const data = new FormData(form, submitter);
  const fields = Object.fromEntries([...form.querySelectorAll("[data-as=list]")].map(({name}) => [name, []]));
  for (const name of new Set(data.keys())) {
    const as = form.querySelector(`[name="${name}"]`).dataset.as;
    const value = as === "list" ? data.getAll(name) : data.getAll(name).at(-1);
    if (value !== "") fields[name] = as === "json" ? JSON.parse(value) : value;
  }
  return fields;
}

async function send(form, submitter) {
  const fields = fieldsOf(form, submitter);
  const [method, template] = form.dataset.api.split(" ");
  const path = template.replace(/\{(\w+)\}/g, (_, name) => {
    const value = fields[name] ?? "";
    delete fields[name];
    return encodeURIComponent(value);
  });
  return ask(method, path, method === "DELETE" ? undefined : fields);
}

// Elements with data-field get what the answer says of it, lists by their length, or with data-named by what is in them;
// one with data-each a copy of its template for each of that list; one with data-only, such as sure=yes or sure!=yes, is
// there only where that is so: the value may be another field, too. data-words of the place are words for values, as JSON.
export function show(place, answer) {
  const words = JSON.parse(place.dataset.words ?? "{}");
  for (const list of place.querySelectorAll("[data-each]")) {
    const template = list.querySelector("template");
    const rows = answer[list.dataset.each].map((one) => {
      const row = template.content.cloneNode(true);
      fill(row, one, words);
      return row;
    });
    list.replaceChildren(template, ...rows);
  }
  fill(place, answer, words);
  for (const element of place.querySelectorAll("[data-only]")) {
    const [, name, not, value] = /^(\w+)(!?)=(\w+)$/.exec(element.dataset.only);
    const same = String(answer[name]) === String(answer[value] ?? value);
    element.hidden = same === Boolean(not);
  }
  place.hidden = false;
  place.focus();
}

function fill(place, answer, words) {
  for (const element of place.querySelectorAll("[data-field]")) {
    if (!(element.dataset.field in answer)) continue;
    const value = answer[element.dataset.field];
    const text = Array.isArray(value) ? ("named" in element.dataset ? value.join(", ") : value.length) : value ?? "";
    element.textContent = words[text] ?? (element.localName === "time" ? moment(text) : text);
  }
}

// As the filter "moment" of the templates has it.
function moment(text) {
  return text && `${new Date(text).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
