#!/bin/sh
# Builds the committed style sheets and notes what they were built from.
set -eu
cd "$(dirname "$0")"
for sheet in app pay; do
  npx --no-install tailwindcss --minify --input "$sheet.css" --output "../static/css/$sheet.css"
done
python3 sources.py > ../static/css/sources.sha256
wc -c ../static/css/app.css ../static/css/pay.css
