#include "core/engine/embeddings.h"

#include "core/library/companion_files.h"
#include "kernels/base/error.h"
#include "pipelines/image/prompt_texts.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/text/prompt_syntax.h"
#include "pipelines/weights/textual_inversion.h"

#include <algorithm>

namespace kinora::core {
namespace {

using pipelines::ImageRequest;

bool isListed(const ImageRequest& request, const std::string& word) {
    return std::ranges::any_of(request.embeddings, [&](const std::string& text) {
        const auto choice = pipelines::parseEmbeddingChoice(text);
        return choice && pipelines::lowerCaseName(choice->word) == pipelines::lowerCaseName(word);
    });
}

void addComfy(ImageRequest& request, const ModelLibrary& library) {
    const auto add = [&](const std::string& word) {
        if (word.empty() || isListed(request, word)) return;
        const auto path = library.findCompanion(CompanionKind::Embedding, word);
        if (!path) throw path.error();
        request.embeddings.push_back(pipelines::withEmbeddingName(word, path->string()));
    };
    for (const std::string& text : {request.prompt, request.negative}) // without its brackets
        for (const pipelines::PromptPart& part : pipelines::parseComfy(text))
            for (const pipelines::ComfyPiece& piece : pipelines::splitEmbeddings(part.text))
                add(piece.embedding);
}

} // namespace

std::vector<std::string> addPromptEmbeddings(ImageRequest& request, const pipelines::Model& model,
                                             const ModelLibrary& library) {
    std::vector<std::string> warnings;
    if (request.promptEmbeddings != "auto") return warnings;
    request.promptEmbeddings = "off";
    if (pipelines::promptSyntaxOf(request) == pipelines::PromptSyntax::Comfy) {
        addComfy(request, library);
        return warnings;
    }
    for (const auto& path : library.companionsOf(CompanionKind::Embedding)) {
        const std::string word = companionName(path);
        const bool named = pipelines::namesWord(request.prompt, word) ||
                           pipelines::namesWord(request.negative, word);
        if (!named || isListed(request, word)) continue;
        try {
            pipelines::TextualInversion(path).checkFits(model);
            request.embeddings.push_back(path.string());
        } catch (const Error& error) {
            warnings.push_back("The prompt's " + word + " stays text: " + error.message());
        }
    }
    return warnings;
}

} // namespace kinora::core
