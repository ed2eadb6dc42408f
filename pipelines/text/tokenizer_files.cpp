#include "pipelines/text/tokenizer_files.h"

#include "kernels/base/error.h"
#include "pipelines/text/unicode_text.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/regular_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace kinora::pipelines {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr uint64_t kMostFileBytes = 64 * 1024 * 1024;
constexpr size_t kMostTokens = 4'000'000;
constexpr size_t kMostAddedTokens = 10'000;
constexpr int kLeastLength = 3, kMostLength = 65'536;
constexpr const char* kAdvice = "The tokenizer's files are damaged; fetch the model again.";
// In this order: where two name the same text, it decides which one's rule is taken.
constexpr const char* kSpecialNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};

[[noreturn]] void bad(const std::string& label, const std::string& problem) {
    throw Error(ErrorCode::BadFile, label + ": " + problem + ".", kAdvice);
}

// A token as a file gives it: a text, or an object with content and flags.
struct NamedToken {
    std::string content;
    bool normalized = false;
    bool plainText = true;
};

NamedToken readToken(const json& value, bool special, const std::string& label) {
    if (value.is_string()) return {value.get<std::string>()};
    const auto flag = [&](const char* key, bool fallback) {
        const auto found = value.find(key);
        if (found == value.end()) return fallback;
        if (!found->is_boolean()) bad(label, std::string(key) + " of a token is not true or false");
        return found->get<bool>();
    };
    if (!value.is_object() || !value.contains("content") || !value["content"].is_string())
        bad(label, "a token is neither a text nor an object with content: " + brief(value));
    if (flag("single_word", false))
        throw Error(ErrorCode::Unsupported, label + ": single_word of token " +
                                                brief(value["content"]) + " is not supported.");
    // lstrip and rstrip only take whitespace away, which makes no tokens here anyway.
    return {value["content"], flag("normalized", !(special || flag("special", false))), false};
}

class Reader {
  public:
    explicit Reader(const fs::path& folder)
        : m_folder(folder), m_name(folder.filename().string() + "/") {}

    TokenizerFiles read() {
        const std::optional<json> config = optionalFile("tokenizer_config.json");
        const json empty = json::object();
        const json& settings = config ? *config : empty;
        const std::optional<json> whole = optionalFile("tokenizer.json");
        if (whole)
            readWhole(*whole);
        else
            readPair();
        if (m_result.vocabulary.empty()) bad(m_vocabularyLabel, "there are no tokens");
        readLength(settings);
        collectSpecials(settings);
        collectAdded(settings, whole ? &*whole : nullptr);
        addAll();
        return std::move(m_result);
    }

  private:
    std::string label(const char* file) const { return m_name + file; }

    std::optional<json> optionalFile(const char* file) const {
        std::error_code error;
        if (!fs::exists(m_folder / file, error)) return std::nullopt;
        return readJsonFile(m_folder / file, label(file), {.sizeBytes = kMostFileBytes});
    }

    void readVocabulary(const json& vocabulary, const std::string& name) {
        m_vocabularyLabel = name;
        if (!vocabulary.is_object()) bad(name, "the vocabulary is not an object of token and id");
        if (vocabulary.size() > kMostTokens) bad(name, "there are too many tokens");
        std::set<int32_t> used;
        for (const auto& [token, id] : vocabulary.items()) {
            if (!id.is_number_integer() ||
                (id.is_number_unsigned() && id.get<uint64_t>() >= kMostTokens) ||
                id.get<int64_t>() < 0)
                bad(name, "token " + brief(token) + " has the id " + brief(id) +
                              ", which is no whole number below " + std::to_string(kMostTokens));
            if (!used.insert(id.get<int32_t>()).second)
                bad(name, "the id " + brief(id) + " belongs to two tokens");
            m_result.vocabulary.emplace(token, id.get<int32_t>());
        }
    }

    void readPair() {
        if (!fs::exists(m_folder / "vocab.json"))
            throw Error(ErrorCode::NotFound,
                        m_name + ": has neither tokenizer.json nor vocab.json.",
                        "The model is not complete; fetch it again.");
        readVocabulary(readJsonFile(m_folder / "vocab.json", label("vocab.json"),
                                    {.sizeBytes = kMostFileBytes}),
                       label("vocab.json"));
        m_result.mergesLabel = label("merges.txt");
        const std::string text =
            readTextFile(m_folder / "merges.txt", m_result.mergesLabel, kMostFileBytes);
        size_t number = 0;
        for (size_t begin = 0; begin < text.size();) {
            const size_t newline = std::min(text.find('\n', begin), text.size());
            std::string_view line(text.data() + begin, newline - begin);
            begin = newline + 1;
            ++number;
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (line.empty() || line.starts_with("#version")) continue;
            addMerge(line, "line " + std::to_string(number));
        }
    }

    void addMerge(std::string_view text, const std::string& place) {
        const size_t space = text.find(' ');
        if (space == 0 || space == text.npos || space + 1 == text.size() ||
            text.find(' ', space + 1) != text.npos)
            bad(m_result.mergesLabel, place + " is not two tokens with a space between");
        m_result.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    }

    void readWhole(const json& whole) {
        const std::string name = label("tokenizer.json");
        const auto model = whole.find("model");
        if (model == whole.end() || !model->is_object()) bad(name, "there is no model");
        if (model->contains("type") && (*model)["type"] != "BPE")
            throw Error(ErrorCode::Unsupported, name + ": the kind of tokenizer is " +
                                                    brief((*model)["type"]) + ", not BPE.");
        readVocabulary(model->value("vocab", json()), name);
        m_result.mergesLabel = name;
        const json merges = model->value("merges", json());
        if (!merges.is_array()) bad(name, "there is no list of merges");
        size_t number = 0;
        for (const json& merge : merges) {
            ++number;
            if (merge.is_string())
                addMerge(merge.get_ref<const std::string&>(), "merge " + std::to_string(number));
            else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                     merge[1].is_string())
                m_result.merges.emplace_back(merge[0], merge[1]);
            else
                bad(name, "merge " + std::to_string(number) + " is not two tokens");
        }
    }

    void readLength(const json& settings) {
        const auto found = settings.find("model_max_length");
        if (found == settings.end() || found->is_null()) return;
        if (!found->is_number())
            bad(label("tokenizer_config.json"), "model_max_length is no number");
        const auto length = found->get<double>();
        // 1e30 is how transformers writes "unlimited".
        if (length >= 1e12) return;
        if (!(length >= kLeastLength && length <= kMostLength))
            bad(label("tokenizer_config.json"), "model_max_length is not from " +
                                                    std::to_string(kLeastLength) + " to " +
                                                    std::to_string(kMostLength));
        m_result.maxLength = static_cast<int>(length);
    }

    void collectSpecials(const json& settings) {
        m_specials = {{"bos_token", {"<|startoftext|>"}},
                      {"eos_token", {"<|endoftext|>"}},
                      {"unk_token", {"<|endoftext|>"}},
                      {"pad_token", {"<|endoftext|>"}}};
        m_hasDecoder = settings.contains("added_tokens_decoder");
        takeSpecials(settings, false, label("tokenizer_config.json"));
        if (m_hasDecoder) return; // the newer form: the map beside it is not read
        if (const auto map = optionalFile("special_tokens_map.json"))
            takeSpecials(*map, true, label("special_tokens_map.json"));
    }

    void takeSpecials(const json& source, bool special, const std::string& name) {
        for (const char* key : kSpecialNames)
            if (const auto found = source.find(key); found != source.end() && !found->is_null())
                m_specials[key] = readToken(*found, special, name);
        for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
            const auto found = source.find(key);
            if (found == source.end() || !found->is_array()) continue;
            m_extras.clear();
            for (const json& token : *found) m_extras.push_back(readToken(token, true, name));
        }
    }

    // Tokens beside the special ones, in the order of their ids.
    void collectAdded(const json& settings, const json* whole) {
        std::map<int64_t, NamedToken> byId;
        const auto take = [&](int64_t id, NamedToken token) {
            byId[id] = std::move(token);
            if (byId.size() > kMostAddedTokens)
                bad(m_name,
                    "there are more than " + std::to_string(kMostAddedTokens) + " added tokens");
        };
        if (m_hasDecoder) {
            const std::string name = label("tokenizer_config.json");
            const json& decoder = settings["added_tokens_decoder"];
            if (!decoder.is_object()) bad(name, "added_tokens_decoder is not an object");
            for (const auto& [id, token] : decoder.items()) {
                if (id.empty() || id.size() > 9 ||
                    id.find_first_not_of("0123456789") != std::string::npos)
                    bad(name, "added_tokens_decoder has the id " + brief(id));
                take(std::stoll(id), readToken(token, false, name));
            }
        } else {
            if (const auto legacy = optionalFile("added_tokens.json")) takeLegacy(*legacy, take);
            if (whole && whole->contains("added_tokens")) takeList((*whole)["added_tokens"], take);
        }
        for (const auto& [id, token] : byId) m_added.push_back(token);
    }

    template <typename Take> void takeLegacy(const json& legacy, Take& take) {
        for (const auto& [content, id] : legacy.items()) {
            if (!id.is_number_integer())
                bad(label("added_tokens.json"), "the id of " + brief(content) + " is no number");
            const bool special = std::ranges::any_of(
                m_specials, [&](const auto& entry) { return entry.second.content == content; });
            take(id.template get<int64_t>(), {content, !special, false});
        }
    }

    template <typename Take> void takeList(const json& tokens, Take& take) {
        const std::string name = label("tokenizer.json");
        if (!tokens.is_array()) bad(name, "added_tokens is not a list");
        for (const json& token : tokens) {
            if (!token.is_object() || !token.contains("id") || !token["id"].is_number_integer())
                bad(name, "an added token has no id");
            take(token["id"].template get<int64_t>(), readToken(token, false, name));
        }
    }

    void addAll() {
        // Special tokens take the rules of an added token of the same text.
        for (auto& [key, special] : m_specials)
            for (const NamedToken& added : m_added)
                if (added.content == special.content) special = added;
        std::vector<NamedToken> tokens = m_added;
        const auto addedAlready = [&](const NamedToken& token) {
            return std::ranges::any_of(
                m_added, [&](const NamedToken& added) { return added.content == token.content; });
        };
        const auto offer = [&](const NamedToken& token) {
            const bool listed = std::ranges::any_of(tokens, [&](const NamedToken& other) {
                return other.content == token.content && other.plainText == token.plainText;
            });
            if (!listed && !addedAlready(token)) tokens.push_back(token);
        };
        for (const char* key : kSpecialNames)
            if (m_specials.contains(key)) offer(m_specials[key]);
        for (const NamedToken& token : m_extras) offer(token);
        requireKnown("bos_token");
        requireKnown("eos_token");
        for (const NamedToken& token : tokens) add(token);
        m_result.startToken = idOf("bos_token");
        m_result.endToken = idOf("eos_token");
        m_result.paddingToken = idOf("pad_token");
        m_result.unknownToken = idOf("unk_token");
    }

    // The reference would give it an id that the text encoder has no row for.
    void requireKnown(const char* key) {
        const NamedToken& token = m_specials[key];
        const bool added = std::ranges::any_of(
            m_added, [&](const NamedToken& other) { return other.content == token.content; });
        if (!added && !m_result.vocabulary.contains(token.content))
            bad(m_vocabularyLabel,
                "the " + std::string(key) + " " + brief(token.content) + " is not in it");
    }

    void add(const NamedToken& token) {
        if (token.content.empty()) return;
        int32_t id = nextId();
        const auto [entry, isNew] = m_result.vocabulary.emplace(token.content, id);
        id = entry->second;
        const std::string text = token.normalized ? normalizeText(token.content) : token.content;
        for (AddedToken& known : m_result.addedTokens)
            if (known.id == id) { // the last word on a token counts
                known = {text, id, token.normalized};
                return;
            }
        m_result.addedTokens.push_back({text, id, token.normalized});
    }

    int32_t nextId() const { return static_cast<int32_t>(m_result.vocabulary.size()); }
    int32_t idOf(const char* key) { return m_result.vocabulary.at(m_specials[key].content); }

    fs::path m_folder;
    std::string m_name;
    std::string m_vocabularyLabel;
    TokenizerFiles m_result;
    bool m_hasDecoder = false;
    std::map<std::string, NamedToken> m_specials;
    std::vector<NamedToken> m_extras, m_added;
};

} // namespace

TokenizerFiles readTokenizerFiles(const fs::path& folder) {
    return Reader(folder).read();
}

} // namespace kinora::pipelines
