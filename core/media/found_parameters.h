#pragma once
// Collects what a stranger's metadata says into a request: a value that the table of parameters
// takes goes into the request, any other into the list of what has no equal here.

#include "core/media/metadata.h"

#include <string>
#include <string_view>

namespace kinora::core {

class FoundParameters {
  public:
    explicit FoundParameters(PictureInfo& info) : m_info(info) {}

    // parameter: of the table ("cfg"); theirName: how the other program calls it ("CFG scale").
    // False where the value was not taken and went to the others.
    bool set(std::string_view parameter, std::string_view theirName, const std::string& value);
    void other(std::string_view name, const std::string& value);

  private:
    PictureInfo& m_info;
};

// Adds to info.others that this program's metadata are there and cannot be read.
void noteDamage(PictureInfo& info, std::string_view program, const Error& error);

} // namespace kinora::core
