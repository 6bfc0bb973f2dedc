"use strict";
const form = document.getElementById("filter");
const results = [...document.querySelectorAll("[data-result]")];

function apply() {
  const { result, format, class: name, id } = Object.fromEntries(new FormData(form));
  for (const section of results) {
    let shown = 0;
    for (const item of section.querySelectorAll("[data-id]")) {
      const { format: itsFormat, classes, id: itsId } = item.dataset;
      item.hidden = (format && itsFormat !== format) || (name && !classes.split(" ").includes(name)) || !itsId.includes(id);
      shown += !item.hidden;
    }
    section.hidden = !shown || (result && section.dataset.result !== result);
    section.querySelector(".shown").textContent = shown;
    if (result === section.dataset.result && "open" in section) section.open = true;
  }
}

function pick(event) {
  const link = event.target.closest("[data-pick-format], [data-pick-class]");
  if (!link) return;
  form.reset();
  form.elements.format.value = link.dataset.pickFormat ?? "";
  form.elements.class.value = link.dataset.pickClass ?? "";
  form.elements.result.value = link.dataset.pickResult ?? "";
  apply();
}

function copyable(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = block.querySelector("pre");
    getSelection().selectAllChildren(text);
    await navigator.clipboard?.writeText(text.textContent);
    button.textContent = navigator.clipboard ? "Copied" : "Selected";
  });
  block.append(button);
}

form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("click", pick);
document.querySelectorAll(".command").forEach(copyable);
apply();
