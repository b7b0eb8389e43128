// The playhead over the waveform, and going to a place in it by mouse, by keyboard and by the table of stretches.

import {Api, Refused} from "./api.js";
import {explain} from "./faults.js";

const player = document.querySelector("[data-player]");
const audio = player.querySelector("audio");
const wave = player.querySelector("[role=slider]");
const head = player.querySelector(".playhead");
const refused = player.querySelector("[role=alert]");
const stretches = [...player.querySelectorAll("tr[data-begin]")];
const length = Number(player.dataset.length) / 1000;

const STEP_S = 5;
const LEAP_S = 30;

function clock(time) {
  const [minutes, seconds] = [Math.floor(time / 60), Math.floor(time % 60)];
  const two = (number) => String(number).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${two(seconds)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds)}`;
}

function show() {
  const time = Math.min(audio.currentTime, length);
  const place = `${(100 * time) / length}%`;
  head.setAttribute("x1", place);
  head.setAttribute("x2", place);
  wave.setAttribute("aria-valuenow", Math.floor(time));
  const text = player.dataset.positionOf.replace("{at}", clock(time)).replace("{length}", clock(length));
  if (wave.getAttribute("aria-valuetext") !== text) wave.setAttribute("aria-valuetext", text);
  for (const row of stretches) {
    const here = time * 1000 >= Number(row.dataset.begin) && time * 1000 < Number(row.dataset.end);
    if (here) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function go(time) {
  audio.currentTime = Math.max(0, Math.min(time, length));
  show();
}

wave.addEventListener("click", (event) => {
  const box = wave.getBoundingClientRect();
  go((length * (event.clientX - box.left)) / box.width);
});

const KEYS = {
  ArrowRight: () => audio.currentTime + STEP_S,
  ArrowUp: () => audio.currentTime + STEP_S,
  ArrowLeft: () => audio.currentTime - STEP_S,
  ArrowDown: () => audio.currentTime - STEP_S,
  PageUp: () => audio.currentTime + LEAP_S,
  PageDown: () => audio.currentTime - LEAP_S,
  Home: () => 0,
  End: () => length,
};

wave.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === " ") {
    event.preventDefault();
    if (audio.paused) play();
    else audio.pause();
  } else if (event.key in KEYS) {
    event.preventDefault();
    go(KEYS[event.key]());
  }
});

player.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-at]");
  if (!button) return;
  go(Number(button.dataset.at) / 1000);
  play();
});

// After an error it is loaded anew, and goes on where it was. Where it does not come to that, the element says so by
// another error, or somebody has paused it again before.
function play() {
  const at = audio.currentTime;
  if (audio.error) {
    audio.load();
    go(at);
  }
  audio.play().catch(() => {});
}

// An element does not tell why it was refused what it plays: whoever asks once more is told.
async function failed() {
  const why = await new Api().send("GET", audio.currentSrc).catch((problem) => problem);
  if (!(why instanceof Refused)) void why.body.cancel();
  await explain(refused, why instanceof Refused ? why : {message: player.dataset.unplayable});
  refused.hidden = audio.error === null; // it may have been tried again meanwhile
}

audio.addEventListener("error", () => void failed());
audio.addEventListener("playing", () => (refused.hidden = true));

for (const event of ["timeupdate", "seeking", "seeked", "loadedmetadata"]) audio.addEventListener(event, show);
show();
