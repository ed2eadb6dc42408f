#include "app/cli/request_rows.h"

#include "app/cli/console.h"
#include "pipelines/request/parameters.h"

#include <optional>
#include <string>

namespace kinora::app {

void addRequest(TextTable& table, const pipelines::ImageRequest& request, RequestRows rows) {
    const pipelines::ImageRequest usual;
    for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
        if (rows == RequestRows::Result && parameter.role != pipelines::ParameterRole::Result)
            continue;
        const std::optional<std::string> value = pipelines::toText(request, parameter);
        if (value && !value->empty() && value != pipelines::toText(usual, parameter))
            table.addRow({std::string(parameter.label), printable(*value)});
    }
}

} // namespace kinora::app
