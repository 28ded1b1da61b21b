// The page works without this: files can be dropped on it, go at once, and what comes of them is shown in place.
"use strict";

const place = document.querySelector(".drop");
const input = document.querySelector("input[type=file]");

for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    place.classList.toggle("over", name === "dragover");
  });
}

document.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) {
    input.files = event.dataTransfer.files;
    input.form.requestSubmit();
  }
});

async function look(pause) {
  await new Promise((resolve) => setTimeout(resolve, pause));
  let text = "";
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    text = answer.status === 429 ? "" : await answer.text();
  } catch {
    text = "";
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  if (!text || page.body.hasAttribute("data-waits")) {
    look(Math.min(pause * 1.5, 5000));
  } else {
    location.reload();
  }
}

if (document.body.hasAttribute("data-waits")) {
  look(300);
}
