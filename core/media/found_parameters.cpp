#include "core/media/found_parameters.h"

#include "core/media/text_encoding.h"
#include "pipelines/request/parameters.h"

namespace kinora::core {

bool FoundParameters::set(std::string_view parameter, std::string_view theirName,
                          const std::string& value) {
    const pipelines::Parameter* row = pipelines::findImageParameter(parameter);
    if (!m_info.request) m_info.request.emplace();
    try {
        if (row) {
            pipelines::setFromText(*m_info.request, *row, value);
            return true;
        }
    } catch (const Error&) {
        // Out of range or not known here: told, not taken.
    }
    other(theirName, value);
    return false;
}

void FoundParameters::other(std::string_view name, const std::string& value) {
    // Repaired: a reader may have cut its text inside a character.
    m_info.others.emplace_back(repairedUtf8(name), repairedUtf8(value));
}

void noteDamage(PictureInfo& info, std::string_view program, const Error& error) {
    info.others.emplace_back("Damaged metadata",
                             "of " + std::string(program) + ": " + error.message());
}

} // namespace kinora::core
