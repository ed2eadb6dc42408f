#include "app/models/steering_nets.h"

#include "pipelines/request/ip_adapter_choice.h"

#include <algorithm>
#include <array>

namespace kinora::app {
namespace {

using core::CompanionKind;
using pipelines::ImageRequest;
using Texts = std::vector<std::string>;

struct Lists {
    CompanionKind kind;
    Texts ImageRequest::* nets;
    Texts ImageRequest::* pictures;
    Texts ImageRequest::* preparations;
};
constexpr std::array kLists = {Lists{CompanionKind::ControlNet, &ImageRequest::controls,
                                     &ImageRequest::controlImages, &ImageRequest::controlPrepare},
                               Lists{CompanionKind::Adapter, &ImageRequest::adapters,
                                     &ImageRequest::adapterImages, &ImageRequest::adapterPrepare}};

std::string entryOr(const Texts& texts, size_t i, const char* otherwise) {
    return i < texts.size() ? texts[i] : otherwise;
}

std::string nameIn(const Texts& nets, size_t i) {
    const auto choice = i < nets.size() ? pipelines::parseControlChoice(nets[i]) : std::nullopt;
    return choice ? choice->name : std::string();
}

} // namespace

std::vector<SteeringNet> steeringNets(const ImageRequest& request) {
    std::vector<SteeringNet> nets;
    for (const Lists& lists : kLists)
        for (size_t i = 0; i < (request.*lists.nets).size(); ++i) {
            const std::string& text = (request.*lists.nets)[i];
            const auto choice = pipelines::parseControlChoice(text);
            nets.push_back({lists.kind, choice.value_or(pipelines::ControlChoice{text}),
                            entryOr(request.*lists.pictures, i, ""),
                            entryOr(request.*lists.preparations, i, "none")});
        }
    return nets;
}

void setSteeringNets(ImageRequest& request, const std::vector<SteeringNet>& nets) {
    for (const Lists& lists : kLists) {
        for (auto list : {lists.nets, lists.pictures, lists.preparations}) (request.*list).clear();
        bool prepared = false;
        for (const SteeringNet& net : nets) {
            if (net.kind != lists.kind) continue;
            (request.*lists.nets).push_back(toText(net.choice));
            (request.*lists.pictures).push_back(net.picture);
            (request.*lists.preparations).push_back(net.prepare);
            prepared = prepared || net.prepare != "none";
        }
        if (!prepared) (request.*lists.preparations).clear();
    }
}

void keepPicturesOf(ImageRequest& request, const ImageRequest& before) {
    for (const Lists& lists : kLists) {
        const Texts &nets = request.*lists.nets, &old = before.*lists.nets;
        Texts pictures(nets.size());
        for (size_t i = 0; i < nets.size(); ++i)
            if (nameIn(nets, i) == nameIn(old, i))
                pictures[i] = entryOr(before.*lists.pictures, i, "");
        request.*lists.pictures = std::move(pictures);
    }
    // Their metadata have the names of the pictures.
    for (std::string& text : request.ipAdapters) {
        const auto made = pipelines::parseIpAdapterChoice(text);
        for (const std::string& old : before.ipAdapters) {
            const auto known = pipelines::parseIpAdapterChoice(old);
            if (!made || !known || made->adapter != known->adapter ||
                core::companionName(known->picture) != made->picture)
                continue;
            text = toText(pipelines::IpAdapterChoice{made->adapter, known->picture, made->weight});
            break;
        }
    }
}

} // namespace kinora::app
