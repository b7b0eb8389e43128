// Forms of the desk that do more than send their fields: a list from a file and a copy to download.

import {Api, ask, csrf} from "./api.js";
import {attend, fieldsOf, show} from "./forms.js";

const patient = new Api({csrf, within_ms: 600000}); // a copy of much takes its time

// A form with data-file sends what is in its file, as this media type. A browser does not read one that has changed since it
// was chosen: then data-changed is said.
for (const form of document.querySelectorAll("form[data-file]")) {
  attend(form, async () => {
    const [method, path] = form.dataset.to.split(" ");
    const input = form.querySelector("input[type=file]");
    const body = await input.files[0].arrayBuffer().catch(() => {
      input.value = "";
      throw new Error(form.dataset.changed);
    });
    const answer = await patient.send(method, path, {type: form.dataset.file, body});
    show(document.getElementById(form.dataset.shows), await answer.json());
    return false;
  });
}

// What was decided of each file goes with the number that was asked for.
for (const form of document.querySelectorAll("form[data-release]")) {
  attend(form, async () => {
    const asked = document.getElementById(form.dataset.release);
    const {number} = fieldsOf(asked);
    const release = Object.fromEntries(
      [...form.querySelectorAll("[data-name]")].map((row) => [row.dataset.name, row.querySelector("select").value]),
    );
    const answer = await patient.send("POST", "/api/v1/subjects/export", {
      type: "application/json",
      body: JSON.stringify({number, release}),
    });
    save(await answer.blob(), "copy.zip");
    return false;
  });
}

// What there is of a customer, with a choice for each file.
for (const form of document.querySelectorAll("form[data-export]")) {
  const place = document.getElementById(form.dataset.export);
  attend(form, async () => {
    place.hidden = true;
    const told = await ask("POST", "/api/v1/subjects/export", fieldsOf(form));
    const things = told.calls.flatMap((call) => [
      ...call.recordings.map((one) => ({...one, what: "recording", at: call.started_at})),
      ...call.documents.map((one) => ({...one, what: one.kind, at: one.added_at})),
    ]);
    const files = things.filter((one) => one.file !== null);
    show(place, {calls: told.calls, objections: told.objections, absent: things.length - files.length, files});
    [...place.querySelectorAll("[data-each] > [data-name]")].forEach((row, index) => {
      row.dataset.name = files[index].name;
      row.querySelector("select").setAttribute("aria-label", `${files[index].purpose} ${files[index].name}`);
    });
    place.querySelector("[data-save]").onclick = () =>
      save(new Blob([JSON.stringify(told, null, 2)], {type: "application/json"}), "calls.json");
    return false;
  });
}

// What is shown is of the fields as they were: another number, and it goes.
for (const form of document.querySelectorAll("form[data-shows], form[data-export]")) {
  form.addEventListener("input", () => {
    document.getElementById(form.dataset.shows ?? form.dataset.export).hidden = true;
  });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
