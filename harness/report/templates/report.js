document.addEventListener("click", event => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(button.dataset.copy).then(() => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  }, () => getSelection().selectAllChildren(button.previousElementSibling));
});
document.addEventListener("change", event => {
  const box = event.target.closest("input[data-lane]");
  if (!box) return;
  for (const row of box.closest("section").querySelectorAll("tr." + box.dataset.lane)) row.hidden = !box.checked;
});
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
addEventListener("DOMContentLoaded", reveal);
addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details.run")) fold.open = true; });
