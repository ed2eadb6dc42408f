"""Writes vocabulary.json and vocabulary.tsv: what a model was trained on, for completions, chips and hints in the program.

    python make_vocabulary.py --data ../datasets/images --styles "3d emoji" "flat emoji" ... --out ../starter-image

The fields of the first: `styles`, as prompts name them; `pattern`, how a prompt joins style and subject; `subjects`, the names of
what the pictures show, food and animals first; `words`, every word of the captions. The second has a line
for each text in any language that means one of the subjects: the text, a tab, the subject's number; sorted by bytes. The names in 28 languages
come from the emojibase data (MIT), the rest from the captions. Without --styles: all styles of the data.
"""
import argparse
import collections
import gzip
import json
import re
import unicodedata
from pathlib import Path

GROUPS = ('food-drink', 'animals-nature', 'objects', 'travel-places', 'smileys-emotion', 'activities', 'people-body',
          'symbols', 'flags')  # what a newcomer asks for comes first


def words_of(text):
    return re.findall(r"[^\W_]+", text.lower())


def normal(text):
    """As the program compares: NFC, lower case, single spaces."""
    return ' '.join(unicodedata.normalize('NFC', text).casefold().split())


def subjects_of(records):
    """(names, {emoji: name}): names that a person would ask for; avatars are described, not named."""
    styles, first = collections.defaultdict(set), {}
    for record in records:
        if 'avatar' in record['style'] or len(record['name'].split()) > 5:
            continue
        styles[record['name']].add(record['style'])
        if record.get('emoji') and record.get('group') in GROUPS:
            first.setdefault(record['name'], (GROUPS.index(record['group']), code_points(record['emoji'])))
    last = (len(GROUPS), [])
    names = sorted((name for name in styles if len(styles[name]) > 1), key=lambda name: (first.get(name, last), name))
    return names, {record['emoji']: record['name'] for record in reversed(records)
                   if record.get('emoji') and record['name'] in names}


def code_points(emoji):
    return [int(part, 16) for part in emoji.split('-')]


def translations(i18n, subjects, emoji):
    """{language: [[text, number of the subject], ...]}.

    A text that means several subjects goes to the one with the shortest name, then to the older emoji: of all that
    are found under "dog", the dog.
    """
    number = {name: index for index, name in enumerate(subjects)}
    found = collections.defaultdict(dict)
    order = sorted(emoji, key=lambda code: (len(emoji[code].split()), code_points(code)))
    for own_name in (True, False):  # a subject's own name wins over a search word of another
        for code in order:
            for language, texts in i18n.get(code, {}).items():
                for text in (texts[:1] if own_name else texts[1:]):
                    if 1 <= len(text) <= 40 and normal(text) != normal(emoji[code]):
                        found[language].setdefault(normal(text), number[emoji[code]])
    return {language: sorted(map(list, pairs.items())) for language, pairs in sorted(found.items())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--styles', nargs='*')
    parser.add_argument('--out', required=True)
    args = parser.parse_args()
    with gzip.open(Path(args.data) / 'images_permissive.jsonl.gz', 'rt', encoding='utf8') as lines:
        records = [json.loads(line) for line in lines]
    styles = args.styles or sorted({record['style'] for record in records})
    records = [record for record in records if record['style'] in styles]
    with gzip.open(Path(args.data) / 'emoji_i18n.json.gz', 'rt', encoding='utf8') as file:
        i18n = json.load(file)
    subjects, emoji = subjects_of(records)
    counts = collections.Counter(word for record in records for word in
                                 words_of(' '.join([record['style'], record['name']] + record['keywords'])))
    result = dict(version=1, styles=styles, pattern='{style} of {subject}', subjects=subjects,
                  words=sorted(word for word, count in counts.items() if count > 1))
    lines = [f' {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(",", ":"))}'
             for key, value in result.items()]
    (Path(args.out) / 'vocabulary.json').write_text('{\n' + ',\n'.join(lines) + '\n}\n', encoding='utf8')
    languages = translations(i18n, subjects, emoji)
    numbers = {}
    for language in languages.values():
        for text, number in language:
            numbers.setdefault(text.encode(), number)  # the first language wins
    (Path(args.out) / 'vocabulary.tsv').write_bytes(b''.join(b'%s\t%d\n' % pair for pair in sorted(numbers.items())))
    print(f"{len(subjects)} subjects, {len(result['words'])} words, {len(languages)} languages, {len(numbers)} texts")


if __name__ == '__main__':
    main()
