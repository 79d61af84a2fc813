// Sets a new password by the link's token. Key and token stand in the fragment, which browsers send to no server.
const link = new URLSearchParams(location.hash.slice(1));
const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
history.replaceState(null, "", location.pathname);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  status.textContent = "One moment …";
  try {
    const answer = await fetch("/v1/auth/reset-password", {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": link.get("k") ?? "" },
      body: JSON.stringify({ token: link.get("token") ?? "", newPassword: form.elements.password.value }),
    });
    const body = await answer.json();
    status.textContent = answer.ok ? "Your new password is set; you can log in with it now." : body.msg;
    form.hidden = answer.ok;
  } catch {
    status.textContent = "The server does not answer; try again in a moment.";
  }
});
