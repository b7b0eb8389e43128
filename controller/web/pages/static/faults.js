// Says what the API has refused in the language of the page. A code that has no words, or whose words have {detail},
// brings what the API itself says: that is in English.

const coming = fetch(`/static/faults.${document.documentElement.lang}.json`).then((found) => found.json()).catch(() => ({}));

// Shows in an element what went wrong: what api.js has thrown, or whatever else has a message. Fields have the names that they have
// in the form, where there is one.
export async function explain(element, problem, form) {
  const words = await coming;
  const {code, errors, faults, detail, title} = problem.answer ?? {};
  if (errors) element.replaceChildren(...errors.flatMap((error, index) => [...(index ? ["\n"] : []), ...one(words, error, faults[index], form)]));
  else element.replaceChildren(...(code ? filled(words[code] ?? "{detail}", {detail: detail ?? title}) : [problem.message]));
}

// The same as text.
export async function inWords(problem) {
  const said = document.createElement("p");
  await explain(said, problem);
  return said.textContent;
}

function one(words, {code, field, values}, detail, form) {
  if (!(code in words) || words[code].includes("{detail}")) return filled(words[code] ?? "{detail}", {detail});
  const said = filled(words[code], values);
  const label = labelOf(form, field) ?? (values.line && field);
  const named = label ? around(words["of-field"].replace("{field}", () => label), said) : said;
  return values.line ? around(words["of-line"].replace("{line}", values.line), named) : named;
}

// The text in front of a field, or over several of one name.
function labelOf(form, name) {
  const found = form?.elements[name];
  const field = found instanceof RadioNodeList ? found[0] : found;
  if (!field || field.type === "hidden") return null;
  const group = field.type === "checkbox" ? field.closest("fieldset")?.querySelector("legend") : null;
  return (group ?? field.labels[0])?.firstChild.textContent.trim();
}

function around(template, parts) {
  const [before, after] = template.split("{words}");
  return [before, ...parts, after].filter((part) => part !== "");
}

// Text with its values in their places, as what can be put into an element: {detail} is marked as English.
function filled(template, values) {
  return template.split(/(\{\w+\})/).filter(Boolean).map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return part;
    return name === "detail" ? inEnglish(values.detail) : String(values[name] ?? "");
  });
}

function inEnglish(text) {
  const span = document.createElement("span");
  span.lang = "en";
  span.textContent = text;
  return span;
}
