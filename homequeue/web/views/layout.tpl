% heading = get('title') or 'Photos'
% place = get('path') or '/'
% person = get('user')
% stage = get('stage', False)
% tabs = [('/', 'photos', 'Photos'), ('/upload', 'upload', 'Upload'), ('/activity', 'activity', 'Activity'), ('/trash', 'trash', 'Trash')]
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="{{'dark' if stage else 'light dark'}}">
% if stage:
<meta name="theme-color" content="#0b0c0b">
% else:
<meta name="theme-color" content="#fbfbf8" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#121413" media="(prefers-color-scheme: dark)">
% end
<meta name="csrf-token" content="{{get('csrf') or ''}}">
<meta name="referrer" content="same-origin">
<title>{{heading}} · homequeue</title>
<link rel="icon" type="image/svg+xml" href="{{asset_url('img/favicon.svg')}}">
<link rel="apple-touch-icon" href="{{asset_url('img/icon-180.png')}}">
<link rel="manifest" href="{{asset_url('manifest.webmanifest')}}">
<link rel="stylesheet" href="{{asset_url('css/app.css')}}">
% for name in get('styles') or ():
<link rel="stylesheet" href="{{asset_url('css/' + name)}}">
% end
<script type="module" src="{{asset_url('js/app.js')}}"></script>
% for name in get('scripts') or ():
<script type="module" src="{{asset_url('js/' + name)}}"></script>
% end
</head>
<body class="{{get('page') or 'plain'}}{{' signed-in' if person else ''}}">
% include('_icons.tpl')
<a class="skip" href="#main">Skip to the content</a>
% if not stage:
<header class="top">
  <a class="brand" href="{{get('home') or '/'}}" aria-label="homequeue{{'' if get('home') else ', all photos'}}">
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><use href="#i-mark"></use></svg><span>homequeue</span>
  </a>
  % if person:
  <nav class="tabs" aria-label="Main">
    % for href, icon, label in tabs:
    % here = place == href or (href != '/' and place.startswith(href)) or (icon == 'activity' and place.startswith('/jobs/'))
    <a href="{{href}}"{{' aria-current=page' if here else ''}}><svg class="icon" aria-hidden="true"><use href="#i-{{icon}}"></use></svg><span>{{label}}</span></a>
    % end
  </nav>
  <details class="account" id="account">
    <summary aria-label="Account of {{person.name}}"><span class="face" aria-hidden="true">{{person.name[:1].upper()}}</span></summary>
    <div class="menu">
      <p class="who"><strong>{{person.name}}</strong><span>{{'Looks after this homequeue' if person.is_admin else 'Signed in'}}</span></p>
      <a class="plain" href="/devices">Your phone</a>
      <a class="plain" href="/shares">Drop links</a>
      % for address, words, count in to_tidy():
      <a class="plain" href="{{address}}">{{words}} <span class="how-many">{{count}}</span></a>
      % end
      <a class="plain" href="/password">Change password</a>
      <form method="post" action="/sign-out">
        <input type="hidden" name="csrf" value="{{csrf}}">
        <button class="plain" type="submit">Sign out</button>
      </form>
    </div>
  </details>
  % end
</header>
% end
% told = get('said')
% if told:
<div id="notice" class="notice" role="status" aria-live="polite"><span>{{told['words']}}</span>
% if told['asset'] and told['word'] == 'trashed':
<form method="post" action="/assets/{{told['asset']}}/restore">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="next" value="/assets/{{told['asset']}}">
<button class="notice-button" type="submit">Undo</button>
</form>
% elif told['asset'] and told['word'] == 'restored' and place != '/assets/' + told['asset']:
<a href="/assets/{{told['asset']}}">Show it</a>
% elif told['asset'] and told['word'] in ('redated', 'redated_one', 'confirmed'):
<form method="post" action="/api/retimings/{{told['asset']}}/undo">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="next" value="{{place}}">
<button class="notice-button" type="submit">Undo</button>
</form>
% elif told['word'] == 'all_trashed':
<form method="post" action="/trash/restore">
<input type="hidden" name="csrf" value="{{csrf}}">
<input type="hidden" name="next" value="{{place}}">
% for one in told['ids']:
<input type="hidden" name="id" value="{{one}}">
% end
<button class="notice-button" type="submit">Undo</button>
</form>
% elif told['word'] in ('kept_one', 'kept_one_of_two'):
<a href="/trash">Show the trash</a>
% end
</div>
% else:
<div id="notice" class="notice" role="status" aria-live="polite"></div>
% end
<main id="main" tabindex="-1">
{{!base}}
</main>
% if not stage:
<footer class="foot"><p>homequeue {{version}} · your photos stay at home</p></footer>
% end
</body>
</html>
