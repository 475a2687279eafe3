/** A button that shows the password: thumbs on glass mistype. */

for (const box of document.querySelectorAll('[data-reveal]')) {
  const input = box.querySelector('input');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'reveal';
  button.setAttribute('aria-controls', input.id);
  const paint = () => {
    const shown = input.type === 'text';
    button.textContent = shown ? 'Hide' : 'Show';
    button.setAttribute('aria-label', shown ? 'Hide the password' : 'Show the password');
  };
  button.addEventListener('click', () => {
    input.type = input.type === 'password' ? 'text' : 'password';
    paint();
    input.focus();
  });
  input.form.addEventListener('submit', () => { input.type = 'password'; });
  paint();
  box.append(button);
}
