"""What transformers' CLIPTokenizer makes of texts in many scripts: data/tokenizer.

texts.json            the texts, from a fixed seed
ids.safetensors       for each tokenizer `<name>.ids` (all ids, without start and end, one text
                      after another) and `<name>.counts` (how many each text has)
normalized/           a tokenizer whose special tokens are found in the normalised text and whose
                      padding token is "!", as those of Stable Diffusion 2 and SDXL

Left out are characters on which the Unicode data of the reference's libraries and of utf8proc 2.8
(Unicode 15.0) differ: letters and numbers added after Unicode 15.0, which utf8proc does not know,
and combining marks added after Unicode 9, which the reference does not put in canonical order.
"""

import argparse
import json
import os
import random
import shutil

import torch
from safetensors.torch import save_file
from transformers import CLIPTokenizer

from versions import write_versions

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TINY = os.path.join(HERE, "data", "tiny-sd1", "tokenizer")
FOLDERS = {"starter": "resources/models/starter-image/tokenizer",
           "tiny": "tests/golden/data/tiny-sd1/tokenizer",
           "normalized": "tests/golden/data/tokenizer/normalized"}

SCRIPTS = {  # first and last code point of the letters, marks and digits to draw from
    "ascii": (0x21, 0x7e), "latin-1": (0xa1, 0xff), "latin": (0x100, 0x24f),
    "phonetic": (0x250, 0x2ff), "marks": (0x300, 0x36f), "greek": (0x370, 0x3ff),
    "cyrillic": (0x400, 0x52f), "armenian": (0x531, 0x58a), "hebrew": (0x591, 0x5f4),
    "arabic": (0x600, 0x6ff), "syriac": (0x700, 0x74f), "thaana": (0x780, 0x7b1),
    "devanagari": (0x900, 0x97f), "bengali": (0x980, 0x9fd), "gurmukhi": (0xa01, 0xa75),
    "gujarati": (0xa81, 0xaf1), "oriya": (0xb01, 0xb77), "tamil": (0xb82, 0xbfa),
    "telugu": (0xc00, 0xc39), "kannada": (0xc80, 0xcf2), "malayalam": (0xd02, 0xd3a),
    "sinhala": (0xd82, 0xdf4), "thai": (0xe01, 0xe5b), "lao": (0xe81, 0xeb9),
    "tibetan": (0xf00, 0xfd4), "myanmar": (0x1000, 0x109f), "georgian": (0x10a0, 0x10ff),
    "jamo": (0x1100, 0x11ff), "ethiopic": (0x1200, 0x139f), "cherokee": (0x13a0, 0x13fd),
    "khmer": (0x1780, 0x17f9), "mongolian": (0x1800, 0x1878), "extended latin": (0x1e00, 0x1eff),
    "extended greek": (0x1f00, 0x1fff), "punctuation": (0x2010, 0x2027),
    "super": (0x2070, 0x209c), "letterlike": (0x2100, 0x218b), "arrows": (0x2190, 0x23ff),
    "enclosed": (0x2460, 0x24ff), "dingbats": (0x2700, 0x27bf), "kana": (0x3041, 0x30ff),
    "bopomofo": (0x3105, 0x312d), "cjk": (0x4e00, 0x9fd5), "compatibility": (0xf900, 0xfad9),
    "hangul": (0xac00, 0xd7a3), "presentation": (0xfb00, 0xfdff), "wide": (0xff01, 0xffdc),
    "gothic": (0x10330, 0x1034a), "deseret": (0x10400, 0x1044f), "mathematical": (0x1d400, 0x1d7ff),
    "emoji": (0x1f300, 0x1f64f), "rare cjk": (0x20000, 0x2a6d6), "private": (0xe000, 0xe0ff),
    "tags": (0xe0020, 0xe007f),
}
SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
ODD = "\x01\x07\x1b\x1c\x1f\x7f\x80\x9f\xad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u2060\ufeff\ufffc\ufffd\ufffe\U0001fffe"
DIGITS = "0123456789٠١٢٣۴५६৭౮๙༠１２Ⅷⅷ½¾²³①⑳㈠〇𝟘𝟡"
CONTRACTIONS = ["don't", "I'M", "we'll", "they've", "you're", "he'd", "it's", "'tis", "rock'n'roll",
                "O'Neill", "'s", "''s", "'S 'T 'RE", "’s", "x'ss", "'llama", "a'r'e"]
SPECIALS = ["<|startoftext|>", "<|endoftext|>", "<|EndOfText|>", "<|STARTOFTEXT|>", "<|endoftext|",
            "<|endoftext|><|endoftext|>", "x<|startoftext|>y", "!<|endoftext|>!", "<|", "|>",
            "<|unknown|>", "</w>", "a</w>", "!", "!!!", "a!b", "#version: 0.2", "Ġ", "Ā"]
SEQUENCES = ["👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇯🇵", "👍🏽", "1️⃣", "☎️", "e\u0301", "\u0301e", "q\u0323\u0307",
             "q\u0307\u0323", "A\u030a", "\u212b", "\u1e9b\u0323", "각", "\u1100\u1161\u11a8", "가\u11a8",
             "\u0f71\u0f72\u0f74", "İstanbul", "I\u0307", "ΣΊΣΥΦΟΣ", "ǅ ǈ", "ß ẞ", "ﬁ", "Ω \u2126", "שָׁלוֹם",
             "مرحبا بالعالم", "नमस्ते", "สวัสดี", "你好，世界！", "こんにちは", "パ は\u309a", "\u0958", "\u2adc",
             "\ufb1f", "\U0001d15e", "\U0002f800", "a\u0315\u0300\u05ae\u0300\u0062"]


def draw(random_, script, count):
    first, last = SCRIPTS[script]
    return "".join(chr(random_.randint(first, last)) for _ in range(count))


def make_texts():
    source = random.Random(20)
    texts = ["", " ", "a", "a photo of a red apple, 3d emoji", "  A   B\tC\n"]
    texts += CONTRACTIONS + SPECIALS + SEQUENCES
    texts += [f"a{space}b{space}{space}c" for space in SPACES]
    texts += [f"a{odd}b {odd}" for odd in ODD]
    for script in SCRIPTS:
        for _ in range(22):
            texts.append(draw(source, script, source.randint(1, 7)))
    for _ in range(330):  # scripts side by side, without anything between them
        texts.append("".join(draw(source, source.choice(list(SCRIPTS)), source.randint(1, 3))
                             for _ in range(source.randint(2, 4))))
    pieces = CONTRACTIONS + SPECIALS + SEQUENCES + list(SPACES) + list(DIGITS) + list(ODD)
    for _ in range(330):
        texts.append("".join(source.choice(pieces) for _ in range(source.randint(2, 5))))
    for _ in range(100):  # marks in any order, not only the canonical one
        texts.append("".join(chr(source.choice([source.randint(0x300, 0x34e),
                                                source.randint(0x591, 0x5bd),
                                                source.randint(0x64b, 0x652), 0x61, 0x5d0, 0x20]))
                             for _ in range(source.randint(3, 9))))
    return [text.replace("\0", "") for text in dict.fromkeys(texts)]


def write_normalized(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for file in ("vocab.json", "merges.txt"):
        shutil.copyfile(os.path.join(TINY, file), os.path.join(folder, file))
    rules = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    start, end = ({"content": text, **rules} for text in ("<|startoftext|>", "<|endoftext|>"))
    files = {"special_tokens_map.json": {"bos_token": start, "eos_token": end, "unk_token": end,
                                         "pad_token": "!"},
             "tokenizer_config.json": {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer",
                                       "pad_token": "<|endoftext|>"}}
    for name, content in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(HERE, "data", "tokenizer"))
    folder = parser.parse_args().out
    os.makedirs(folder, exist_ok=True)
    write_normalized(os.path.join(HERE, "data", "tokenizer", "normalized"))
    texts = make_texts()
    with open(os.path.join(folder, "texts.json"), "w", encoding="utf-8") as file:
        json.dump(texts, file, ensure_ascii=False, indent=0)
        file.write("\n")
    tensors = {}
    for name, path in FOLDERS.items():
        tokenizer = CLIPTokenizer.from_pretrained(os.path.join(ROOT, path))
        ids = tokenizer(texts, add_special_tokens=False).input_ids
        tensors[f"{name}.ids"] = torch.tensor(sum(ids, []), dtype=torch.int16)
        tensors[f"{name}.counts"] = torch.tensor([len(each) for each in ids], dtype=torch.int16)
    save_file(tensors, os.path.join(folder, "ids.safetensors"), {"folders": json.dumps(FOLDERS)})
    os.chmod(os.path.join(folder, "ids.safetensors"), 0o644)
    print(len(texts), "texts")
    write_versions(folder, ["transformers", "tokenizers", "safetensors"])


if __name__ == "__main__":
    main()
