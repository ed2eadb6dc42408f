#include "core/engine/embeddings.h"

#include "core/library/companion_files.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error.h"
#include "pipelines/image/prompt_texts.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/text/prompt_syntax.h"
#include "pipelines/weights/textual_inversion.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

namespace kinora::core {
namespace {

using pipelines::ImageRequest;

bool isListed(const ImageRequest& request, const std::string& word) {
    return std::ranges::any_of(request.embeddings, [&](const std::string& text) {
        const auto choice = pipelines::parseEmbeddingChoice(text);
        return choice && pipelines::lowerCaseName(choice->word) == pipelines::lowerCaseName(word);
    });
}

std::string quoted(const std::string& name) {
    return "'" + repairedUtf8(name.substr(0, 200)) + "'";
}

// Of those that were asked for by name: a word that no prompt has, and one that two of them have,
// of which the first counts.
void warnOfIdleWords(const ImageRequest& request, std::vector<std::string>& warnings) {
    std::vector<std::string> words;
    for (const std::string& text : request.embeddings) {
        const auto choice = pipelines::parseEmbeddingChoice(text);
        if (!choice) continue;
        const std::string word = pipelines::lowerCaseName(choice->word);
        if (std::ranges::find(words, word) != words.end())
            warnings.push_back("Two embeddings are called " + quoted(choice->word) +
                               " in prompts, and the first counts. Give the other another word: "
                               "--embedding NAME:WORD.");
        else if (!pipelines::namesWord(request.prompt, choice->word) &&
                 !pipelines::namesWord(request.negative, choice->word))
            warnings.push_back("The embedding " + quoted(companionName(choice->name)) +
                               " does not count: its word, " + quoted(choice->word) +
                               ", is in neither prompt.");
        words.push_back(word);
    }
}

std::vector<std::string> comfyNames(const ImageRequest& request) {
    std::vector<std::string> names;
    for (const std::string& text : {request.prompt, request.negative}) // without its brackets
        for (const pipelines::PromptPart& part : pipelines::parseComfy(text))
            for (const pipelines::ComfyPiece& piece : pipelines::splitEmbeddings(part.text))
                if (!piece.embedding.empty()) names.push_back(piece.embedding);
    return names;
}

// Of prompts in another language: what ComfyUI's refuses is plain text there.
std::vector<std::string> strayComfyNames(const ImageRequest& request) {
    try {
        return comfyNames(request);
    } catch (const Error&) {
        return {};
    }
}

void addComfy(ImageRequest& request, const ModelLibrary& library) {
    for (const std::string& word : comfyNames(request)) {
        if (isListed(request, word)) continue;
        const auto path = library.findCompanion(CompanionKind::Embedding, word);
        if (!path) {
            if (word.find_first_not_of("0123456789.") != std::string::npos) throw path.error();
            throw Error(path.error().code(), path.error().message(),
                        "A weight stands in brackets: (embedding:NAME:" + word + ").");
        }
        request.embeddings.push_back(pipelines::withEmbeddingName(word, path->string()));
    }
}

// Every file of weights may be one; those in folders of embeddings come first, as they did where
// another one of the name lies elsewhere.
std::vector<CompanionFile> possibleEmbeddings(const ModelLibrary& library) {
    std::vector<CompanionFile> files = library.filesBeside();
    std::ranges::stable_partition(
        files, [](const CompanionFile& file) { return file.inFolderOf(CompanionKind::Embedding); });
    return files;
}

// nullopt: it is something else, which is told where it lies in a folder of embeddings.
std::optional<pipelines::TextualInversion> openEmbedding(const CompanionFile& file) {
    try {
        return pipelines::TextualInversion(file.path);
    } catch (const Error&) {
        if (file.inFolderOf(CompanionKind::Embedding)) throw;
        return std::nullopt;
    }
}

// Names of files that the prompts have as words.
void addByWords(ImageRequest& request, const pipelines::Model& model, const ModelLibrary& library,
                std::vector<std::string>& warnings) {
    std::map<std::string, std::filesystem::path> found;
    for (const CompanionFile& file : possibleEmbeddings(library)) {
        const std::string word = companionName(file.path);
        const bool named = pipelines::namesWord(request.prompt, word) ||
                           pipelines::namesWord(request.negative, word);
        const std::string key = pipelines::lowerCaseName(word);
        if (!named || (isListed(request, word) && !found.contains(key))) continue;
        try {
            const auto embedding = openEmbedding(file);
            if (!embedding) continue;
            embedding->checkFits(model);
        } catch (const Error& error) {
            warnings.push_back("The prompt's " + word + " stays text: " + error.message());
            continue;
        }
        if (const auto [first, isNew] = found.try_emplace(key, file.path); !isNew) {
            warnings.push_back("Several embeddings are called " + quoted(word) + "; " +
                               shownPath(first->second) +
                               " is used. Another is chosen by its path: --embedding PATH.");
            continue;
        }
        request.embeddings.push_back(file.path.string());
    }
}

} // namespace

std::vector<std::string> addPromptEmbeddings(ImageRequest& request, const pipelines::Model& model,
                                             const ModelLibrary& library) {
    std::vector<std::string> warnings;
    warnOfIdleWords(request, warnings);
    if (request.promptEmbeddings != "auto") return warnings;
    request.promptEmbeddings = "off";
    if (pipelines::promptSyntaxOf(request) == pipelines::PromptSyntax::Comfy) {
        addComfy(request, library);
        return warnings;
    }
    for (const std::string& name : strayComfyNames(request))
        warnings.push_back(
            "The prompt names an embedding as ComfyUI does, embedding:" + repairedUtf8(name) +
            ", and is not read in its language: that stays text. Write the name "
            "alone, or give --prompt-syntax comfy.");
    addByWords(request, model, library, warnings);
    return warnings;
}

} // namespace kinora::core
