// A page of what the API has refused, in the language of the page.

import {explain} from "./faults.js";

const place = document.querySelector("[data-problem]");
await explain(place, {answer: JSON.parse(place.dataset.problem)});
place.removeAttribute("lang");
