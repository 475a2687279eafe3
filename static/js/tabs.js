/** Which other tabs have this page open: each answers when it is asked. */

const WAIT = 250;

/** The name of this tab, another one after every load. */
export const tab = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;

const others = new Set();
const channel = new BroadcastChannel('homequeue-uploads');
channel.onmessage = ({ data }) => {
  others.add(data.tab);
  if (data.asks) channel.postMessage({ tab });
};

/** The names of the tabs that live, a moment from now. */
export async function livingTabs() {
  channel.postMessage({ tab, asks: true });
  await new Promise((resolve) => { setTimeout(resolve, WAIT); });
  return others;
}
